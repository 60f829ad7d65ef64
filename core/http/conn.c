#include "http/conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_deadline(struct wheel_timer *t);

/* One timer serves all the waits of a connection, which start and end several times a request. So it is not moved when
 * the deadline moves away, only when that comes nearer; when it fires too soon it is set again. */
void conn_deadline(struct conn *c, uint64_t after_ms)
{
    struct wheel *w = c->server->opts.wheel;
    c->deadline_ms = w->now_ms + after_ms;
    if (wheel_is_set(&c->timer) && c->timer_ms <= c->deadline_ms)
        return;
    c->timer_ms = c->deadline_ms;
    wheel_set(w, &c->timer, after_ms);
}

void conn_set_request(struct conn *c, struct request *req)
{
    unsigned *active = &c->server->counts.active;
    *active = *active - (c->req != NULL) + (req != NULL);
    c->req = req;
}

/* Asked once per connection, and only when somebody wants to know. */
const struct address *conn_peer(struct conn *c)
{
    struct sockaddr_storage at;
    int n = sizeof at;
    if (c->peer.kind == ADDRESS_UNKNOWN) {
        c->peer.kind = ADDRESS_NONE;
        if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&at, &n) == 0)
            c->peer = address_of((struct sockaddr *)&at);
    }
    return &c->peer;
}

uint64_t conn_send_check_ms(const struct limits *limits)
{
    return limits->send_ms / 4 + 1;
}

static uint64_t idle_ms(const struct conn *c)
{
    const struct limits *limits = c->server->opts.limits;
    if (c->server->draining)
        return DRAIN_IDLE_MS;
    return c->fresh ? limits->head_ms : limits->keepalive_ms;
}

void conn_enter(struct conn *c, enum conn_state state)
{
    const struct limits *limits = c->server->opts.limits;
    c->state = state;
    switch (state) {
    case CONN_IDLE:
        conn_deadline(c, idle_ms(c));
        break;
    case CONN_HEAD:
        conn_deadline(c, limits->head_ms);
        break;
    case CONN_BODY:
        conn_deadline(c, limits->body_ms);
        break;
    case CONN_SEND:
        c->stalls = 0;
        c->queue_seen = conn_queued(c);
        conn_deadline(c, conn_send_check_ms(limits));
        break;
    case CONN_LINGER:
        conn_deadline(c, LINGER_QUIET_MS);
        break;
    case CONN_RUN: /* the app watches its own time */
    case CONN_STREAM:
    case CONN_CLOSED:
        c->deadline_ms = UINT64_MAX;
        break;
    }
}

static int take_socket(struct conn *c, int fd)
{
    if (fd < 0)
        return uv_accept((uv_stream_t *)&c->server->listener, (uv_stream_t *)&c->tcp);
    int rc = uv_tcp_open(&c->tcp, fd);
    if (rc != 0)
        close(fd);
    return rc;
}

/* The system gives the lowest number that is free, so a high one says that hardly any is left. The last ones are for
 * Postgres, files and the log: connections are told so, where the kernel would drop them without a word. */
static bool is_beyond_files(struct conn *c)
{
    struct server *s = c->server;
    uv_os_fd_t fd;
    uint64_t now = uv_now(s->opts.loop);
    struct log_line l;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0 || fd < s->files_max)
        return false;
    if (s->files_told_ms != 0 && now - s->files_told_ms < FILES_TELL_MS)
        return true;
    s->files_told_ms = now;
    if (log_begin(&l, LOG_ERROR, "http", "file descriptors run out: connections are refused")) {
        log_int(&l, "open_files_max", s->files_max + FILES_KEPT);
        log_int(&l, "connections", s->counts.connections);
        log_end(&l);
    }
    return true;
}

void conn_open(struct server *s, int fd)
{
    struct conn *c = mem_zalloc(sizeof *c);
    c->server = s;
    c->fresh = true;
    wheel_timer_init(&c->timer, on_deadline);
    list_init(&c->ready);
    uv_tcp_init(s->opts.loop, &c->tcp);
    c->tcp.data = c;
    list_push_back(&s->conns, &c->link);
    int rc = take_socket(c, fd);
    bool full = s->counts.connections >= s->opts.limits->connections_max || (rc == 0 && is_beyond_files(c));
    if (full) {
        c->refused = true;
        s->refusing++;
        s->counts.refused++;
        counter_add(&s->metrics->refused, 1);
    } else {
        s->counts.connections++;
        s->counts.accepted++;
        counter_add(&s->metrics->connections, 1);
    }
    if (rc != 0 || s->refusing > REFUSED_MAX) {
        conn_close(c);
        return;
    }
    conn_enter(c, CONN_IDLE);
    conn_read_start(c);
    if (full)
        conn_refuse(c, 503, "unavailable", "too many connections");
}

/* The client is gone, or is sent away. A request that the app has not seen ends here. */
static void detach_request(struct conn *c)
{
    struct request *req = c->req;
    struct server *s = c->server;
    if (req == NULL)
        return;
    conn_set_request(c, NULL);
    if (!req->started) {
        access_line(req, STATUS_CLIENT_LEFT, 0);
        request_release(req);
        return;
    }
    request_own(req);
    req->conn = NULL;
    req->cancelled = true;
    s->opts.app.cancel(req, s->opts.app.arg);
}

static void on_closed(uv_handle_t *h)
{
    server_conn_closed(h->data);
}

/* May be called twice: reading, writing, a deadline and the server can each decide to hang up. */
void conn_close(struct conn *c)
{
    struct server *s = c->server;
    if (c->state == CONN_CLOSED)
        return;
    conn_enter(c, CONN_CLOSED);
    wheel_clear(s->opts.wheel, &c->timer);
    list_remove(&c->ready);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    if (c->stream != NULL)
        stream_on_conn_closed(c);
    detach_request(c);
}

/* Closing a socket that has unread input makes the kernel send a reset, and the client loses the answer that it has not
 * read yet. So our side ends first, and what still comes is thrown away for a while. */
static void linger(struct conn *c)
{
    uv_os_fd_t fd;
    buf_free(&c->in);
    if (c->eof || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        conn_close(c);
        return;
    }
    c->linger_left = LINGER_BYTES_MAX;
    c->linger_until_ms = c->server->opts.wheel->now_ms + LINGER_MS;
    conn_enter(c, CONN_LINGER);
    conn_read_start(c);
}

void conn_settle(struct conn *c)
{
    if (c->broken)
        conn_close(c);
    if (c->state != CONN_IDLE && c->state != CONN_HEAD)
        return;
    if (conn_queued(c) > 0) {
        conn_enter(c, CONN_SEND);
    } else if (c->eof) {
        conn_close(c);
    } else if (c->close_after) {
        if (c->unread || c->in.n > 0)
            linger(c);
        else
            conn_close(c);
    } else if (c->state == CONN_IDLE) {
        conn_enter(c, CONN_IDLE);
        conn_read_start(c);
    }
}

/* After the answer: the loop in conn_feed goes on by itself. Elsewhere the next pipelined request waits for the loop,
 * because the app that has just answered is still on the stack. */
void conn_go_on(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_IDLE;
    if (c->feeding)
        return;
    conn_flush(c, slice_of(NULL, 0));
    conn_settle(c);
    if (c->state == CONN_IDLE && c->in.n > 0) {
        list_push_back(&c->server->ready, &c->ready);
        server_wake(c->server);
    }
}

static void check_progress(struct conn *c)
{
    size_t queued = conn_queued(c);
    c->stalls = queued < c->queue_seen ? 0 : (uint8_t)(c->stalls + 1);
    c->queue_seen = queued;
    if (c->stalls >= 4)
        conn_close(c);
    else
        conn_deadline(c, conn_send_check_ms(c->server->opts.limits));
}

/* A lone CRLF after a request is not the start of another. */
static bool has_begun(const struct conn *c)
{
    return c->in.n > 2 || (c->in.n > 0 && c->in.p[0] != '\r');
}

static void on_deadline(struct wheel_timer *t)
{
    struct conn *c = LIST_OF(t, struct conn, timer);
    uint64_t now = c->server->opts.wheel->now_ms;
    if (c->deadline_ms == UINT64_MAX)
        return;
    if (now < c->deadline_ms) {
        conn_deadline(c, c->deadline_ms - now);
        return;
    }
    switch (c->state) {
    case CONN_HEAD:
        if (has_begun(c))
            conn_refuse(c, 408, "request_timeout", "the request took too long to arrive");
        else
            conn_close(c);
        break;
    case CONN_BODY:
        conn_refuse(c, 408, "request_timeout", "the body took too long to arrive");
        break;
    case CONN_SEND:
        check_progress(c);
        break;
    case CONN_STREAM:
        stream_check_progress(c);
        break;
    default:
        conn_close(c);
    }
}
