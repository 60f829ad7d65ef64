#include "http/stream.h"

#include "base/mem.h"
#include "http/conn.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { CHUNK_FRAME_BYTES = 16 + 2 + 2 }; /* its size in hex and two line ends */

struct stream {
    struct server *server; /* borrowed */
    struct conn *conn;     /* borrowed; NULL once the client is gone */
    struct request *req;   /* taken until it is detached, then NULL */
    struct stream_owner owner;
    struct list link;          /* server->gone, until on_gone was called */
    struct list turn;          /* server->turning */
    struct buf pending;        /* behind what libuv has; so a slow client costs one write request, not one a piece */
    struct route_table *table; /* counted once it is detached: as the request did before */
    struct buf kept;           /* what `facts` points to once it is detached */
    struct access_facts facts; /* once it is detached */
    uint64_t taken_seen;       /* by the kernel when progress was last checked */
    uint64_t handed;           /* frames included */
    uint64_t bytes;            /* of the body */
    size_t queue_max;
    enum stream_end end : 8;
    uint16_t status;
    bool chunked;
    bool above; /* on_drain is due */
    char ip[ADDRESS_TEXT_MAX];
};

bool stream_is_gone(const struct stream *s)
{
    return s->conn == NULL;
}

size_t stream_queued(const struct stream *s)
{
    return s->conn != NULL ? conn_queued(s->conn) + s->pending.n : 0;
}

void stream_queue_max(struct stream *s, size_t bytes)
{
    s->queue_max = bytes;
}

/* ---- writing ---- */

/* RFC 9112 7.1: the size in hex. Not printf: thousands of streams get a chunk for each event. */
static void frame_size(struct buf *out, size_t n)
{
    char room[18], *p = room + sizeof room;
    *--p = '\n';
    *--p = '\r';
    do
        *--p = "0123456789abcdef"[n % 16];
    while ((n /= 16) != 0);
    buf_append(out, p, (size_t)(room + sizeof room - p));
}

static void frame(const struct stream *s, struct buf *out, struct slice bytes)
{
    if (!s->chunked) {
        buf_slice(out, bytes);
        return;
    }
    frame_size(out, bytes.n);
    buf_slice(out, bytes);
    buf_lit(out, "\r\n");
}

static uint64_t taken(const struct stream *s)
{
    return s->handed - conn_queued(s->conn);
}

static void watch(struct stream *s)
{
    struct conn *c = s->conn;
    if (c->deadline_ms != UINT64_MAX)
        return;
    c->stalls = 0;
    s->taken_seen = taken(s);
    conn_deadline(c, conn_send_check_ms(c->server->opts.limits));
}

/* What is in the server's buffer for this connection goes out, or as much of it as the kernel takes. */
static void flush(struct stream *s)
{
    s->handed += s->server->out.n;
    conn_flush(s->conn, slice_of(NULL, 0));
    if (s->conn == NULL) /* broken */
        return;
    if (conn_queued(s->conn) > 0)
        watch(s);
}

enum stream_status stream_write(struct stream *s, struct slice bytes)
{
    if (s->conn == NULL)
        return STREAM_GONE;
    if (bytes.n == 0) /* an empty chunk would be the last one */
        return STREAM_OK;
    if (stream_queued(s) + bytes.n + CHUNK_FRAME_BYTES > s->queue_max) {
        s->above = true;
        return STREAM_FULL;
    }
    s->bytes += bytes.n;
    if (conn_queued(s->conn) > 0) {
        frame(s, &s->pending, bytes);
    } else {
        frame(s, conn_out(s->conn), bytes);
        flush(s);
        if (s->conn == NULL)
            return STREAM_GONE;
    }
    s->above = s->above || stream_queued(s) > STREAM_LOW_BYTES;
    return STREAM_OK;
}

static void flush_pending(struct stream *s)
{
    if (s->pending.n == 0)
        return;
    buf_slice(conn_out(s->conn), buf_view(&s->pending));
    buf_free(&s->pending);
    flush(s);
}

void stream_on_written(struct conn *c)
{
    struct stream *s = c->stream;
    if (conn_queued(c) > 0)
        return;
    flush_pending(s);
    if (s->conn == NULL || !s->above || stream_queued(s) > STREAM_LOW_BYTES)
        return;
    s->above = false;
    s->owner.on_drain(s->owner.arg); /* may end it: last line */
}

void stream_check_progress(struct conn *c)
{
    struct stream *s = c->stream;
    if (conn_queued(c) == 0) {
        c->deadline_ms = UINT64_MAX;
        return;
    }
    c->stalls = taken(s) > s->taken_seen ? 0 : (uint8_t)(c->stalls + 1);
    s->taken_seen = taken(s);
    if (c->stalls >= 4) {
        s->end = STREAM_STALLED;
        conn_close(c);
    } else {
        conn_deadline(c, conn_send_check_ms(c->server->opts.limits));
    }
}

/* ---- the beginning ---- */

/* A peer that vanished sends no reset. Nothing is read on a stream, so only the kernel can notice. */
static void bound_silence(struct conn *c)
{
    uv_os_fd_t fd;
    unsigned ms = (unsigned)c->server->opts.limits->send_ms;
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

struct stream *stream_open(struct request *req, const struct response *head, const struct stream_owner *owner)
{
    struct stream *s = mem_alloc(sizeof *s);
    struct conn *c = req->conn;
    struct response streamed = *head;
    assert(!req->answered && req->head.method != METHOD_HEAD);
    req->answered = true;
    *s = (struct stream){.server = req->server,
                         .conn = c,
                         .req = req,
                         .owner = *owner,
                         .queue_max = STREAM_QUEUE_MAX,
                         .status = (uint16_t)head->status,
                         .chunked = !req->head.http10};
    list_init(&s->link);
    list_init(&s->turn);
    s->server->counts.streams++;
    s->server->live++;
    if (c == NULL) {
        s->end = STREAM_LEFT;
        return s;
    }
    access_ip(req, s->ip);
    streamed.streamed = true;
    streamed.close = streamed.close || req->head.http10; /* nothing else says where it ends */
    response_begin(req, &streamed);
    c->stream = s;
    conn_enter(c, CONN_STREAM);
    bound_silence(c);
    flush(s);
    return s;
}

/* ---- the end ---- */

void stream_on_conn_closed(struct conn *c)
{
    struct stream *s = c->stream;
    struct server *server = c->server;
    c->stream = NULL;
    if (s->end == STREAM_DONE)
        s->end = STREAM_LEFT;
    buf_free(&s->pending);
    s->conn = NULL;
    list_push_back(&server->gone, &s->link);
    server_wake(server);
}

void stream_turn(struct stream *s)
{
    list_remove(&s->turn);
    list_push_back(&s->server->turning, &s->turn);
    server_wake(s->server);
}

void stream_tell_owners(struct server *server)
{
    struct list *node, now;
    list_init(&now);
    while ((node = list_first(&server->turning)) != NULL) { /* who asks again meanwhile has the next turn */
        list_remove(node);
        list_push_back(&now, node);
    }
    while ((node = list_first(&now)) != NULL) {
        struct stream *s = LIST_OF(node, struct stream, turn);
        list_remove(node);
        s->owner.on_drain(s->owner.arg);
    }
    while ((node = list_first(&server->gone)) != NULL) {
        struct stream *s = LIST_OF(node, struct stream, link);
        list_remove(node);
        s->owner.on_gone(s->owner.arg);
    }
}

static struct slice keep(struct buf *b, struct slice s)
{
    struct slice kept = slice_of(b->p + b->n, s.n);
    buf_slice(b, s);
    return kept;
}

void stream_detach(struct stream *s)
{
    struct request *req = s->req;
    struct access_facts f = access_facts_of(req);
    assert(req != NULL);
    /* One piece of memory of the right size, which does not move from here on. */
    buf_reserve(&s->kept, f.path.n + f.id.n + f.user_id.n + f.log_fields.n + 1);
    f.path = keep(&s->kept, f.path);
    f.id = keep(&s->kept, f.id);
    f.user_id = keep(&s->kept, f.user_id);
    f.log_fields = keep(&s->kept, f.log_fields);
    s->facts = f; /* method and route are the route table's */
    s->table = req->table;
    route_table_ref(s->table);
    s->req = NULL;
    if (s->conn != NULL)
        conn_set_request(s->conn, NULL);
    request_release(req);
}

static void write_access_line(const struct stream *s)
{
    static const char *const ends[] = {
        [STREAM_DONE] = NULL,   [STREAM_FAILED] = "failed",   [STREAM_SLOW] = "slow",
        [STREAM_LEFT] = "left", [STREAM_STALLED] = "stalled",
    };
    struct access_facts f = s->req != NULL ? access_facts_of(s->req) : s->facts;
    f.ip = slice_str(s->ip);
    f.end = ends[s->end];
    access_write(s->server, &f, s->status, s->bytes);
}

/* HTTP/1.0 has only a reset to say that there was to be more. */
static void reset(struct conn *c)
{
    uv_os_fd_t fd;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    conn_close(c);
}

/* The connection goes on to its next request, or ends. */
static void let_go(struct stream *s, struct conn *c)
{
    s->conn = NULL;
    c->stream = NULL;
    if (s->req != NULL)
        conn_set_request(c, NULL);
    if (s->end == STREAM_SLOW || (s->end == STREAM_FAILED && !s->chunked)) {
        reset(c);
        return;
    }
    if (s->end == STREAM_FAILED || s->server->draining)
        c->close_after = c->unread = true;
    conn_go_on(c);
}

void stream_end(struct stream *s, enum stream_end how)
{
    struct server *server = s->server;
    struct conn *c = s->conn;
    if (c != NULL) {
        s->end = how;
        if (how == STREAM_DONE && s->chunked)
            buf_lit(&s->pending, "0\r\n\r\n");
        if (how != STREAM_SLOW)
            flush_pending(s);
        c = s->conn; /* it may have broken */
    }
    write_access_line(s);
    if (c != NULL)
        let_go(s, c);
    list_remove(&s->link);
    list_remove(&s->turn);
    if (s->req != NULL)
        request_release(s->req);
    if (s->table != NULL)
        route_table_unref(s->table);
    buf_free(&s->pending);
    buf_free(&s->kept);
    free(s);
    server->counts.streams--;
    if (--server->live == 0)
        server_settled(server);
}
