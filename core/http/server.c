#include "http/conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
    BACKLOG = 4096,
    COMMON_MS = 200, /* Date is right to this */
};

struct slice server_common_headers(struct server *s)
{
    uint64_t now = uv_now(s->opts.loop);
    if (s->common_ms != 0 && now - s->common_ms < COMMON_MS)
        return buf_view(&s->common);
    s->common_ms = now != 0 ? now : 1;
    buf_clear(&s->common);
    buf_lit(&s->common, "Date: ");
    buf_slice(&s->common, clock_http_date());
    buf_lit(&s->common, "\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
                        "Content-Security-Policy: frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n");
    buf_slice(&s->common, buf_view(&s->note));
    return buf_view(&s->common);
}

static void finish(struct server *s)
{
    void (*on_closed)(void *) = s->on_closed;
    void *arg = s->closed_arg;
    struct list *node;
    while ((node = list_first(&s->requests_free)) != NULL) {
        list_remove(node);
        request_free(LIST_OF(node, struct request, link));
    }
    route_table_unref(s->routes);
    if (s->opts.metrics == NULL)
        free(s->metrics);
    buf_free(&s->out);
    buf_free(&s->scratch);
    buf_free(&s->common);
    buf_free(&s->note);
    cors_deinit(&s->cors);
    free(s);
    if (on_closed != NULL)
        on_closed(arg);
}

static void on_turn_closed(uv_handle_t *h)
{
    finish(h->data);
}

static bool is_empty(const struct server *s)
{
    return list_is_empty(&s->conns) && (s->live == 0 || (s->cancelled && !s->closing));
}

static void tell_ends(struct server *s)
{
    void (*on_drained)(void *) = s->on_drained;
    if (!is_empty(s) || s->listening)
        return;
    s->on_drained = NULL;
    if (s->closing && !uv_is_closing((uv_handle_t *)&s->turn))
        uv_close((uv_handle_t *)&s->turn, on_turn_closed);
    if (s->draining && on_drained != NULL)
        on_drained(s->drained_arg);
}

static void on_turn(uv_idle_t *turn)
{
    struct server *s = turn->data;
    struct list now;
    uv_idle_stop(turn);
    if (!list_is_empty(&s->ready)) { /* those that become ready meanwhile have their turn in the next round */
        now = s->ready;
        now.next->prev = now.prev->next = &now;
        list_init(&s->ready);
        for (struct list *node; (node = list_first(&now)) != NULL;) {
            list_remove(node);
            conn_feed_kept(LIST_OF(node, struct conn, ready));
        }
    }
    stream_tell_owners(s);
    tell_ends(s);
}

void server_wake(struct server *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->turn))
        uv_idle_start(&s->turn, on_turn);
}

void server_settled(struct server *s)
{
    if ((s->draining || s->closing) && is_empty(s))
        server_wake(s);
}

void server_conn_closed(struct conn *c)
{
    struct server *s = c->server;
    list_remove(&c->link);
    if (c->refused)
        s->refusing--;
    else
        s->counts.connections--;
    buf_free(&c->in);
    free(c);
    server_settled(s);
}

void server_set_edges(struct server *s, const struct edges *edges)
{
    cors_deinit(&s->cors);
    cors_init(&s->cors, slice_str(edges->cors_origins));
    if (!address_set_parse(slice_str(edges->trusted_proxies), &s->forwarded.proxies))
        log_note(LOG_ERROR, "http", "TRUSTED_PROXIES is malformed: nobody is trusted", NULL, NULL);
    s->forwarded.standard = edges->forwarded;
}

static int files_max(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > INT_MAX || r.rlim_cur < 2 * FILES_KEPT)
        return INT_MAX;
    return (int)r.rlim_cur - FILES_KEPT;
}

struct server *server_new(const struct server_opts *opts)
{
    struct server *s = mem_zalloc(sizeof *s);
    s->opts = *opts;
    s->files_max = files_max();
    s->metrics = opts->metrics ? opts->metrics : mem_zalloc(sizeof *s->metrics);
    list_init(&s->conns);
    list_init(&s->ready);
    list_init(&s->gone);
    list_init(&s->turning);
    list_init(&s->requests_free);
    server_set_edges(s, &opts->edges);
    s->opts.edges = (struct edges){0};
    uv_idle_init(opts->loop, &s->turn);
    s->turn.data = s;
    return s;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    if (status == 0)
        conn_open(s, -1);
    else
        log_note(LOG_WARN, "http", "a connection could not be accepted", "error", uv_strerror(status));
}

static void on_listener_closed(uv_handle_t *h)
{
    struct server *s = h->data;
    s->listening = false;
    server_settled(s);
}

int server_listen(struct server *s, int fd)
{
    int on = 1;
    assert(!s->listening);
    uv_tcp_init(s->opts.loop, &s->listener);
    s->listener.data = s;
    s->listening = true;
    /* Accepted sockets inherit it, which saves a system call for each. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int rc = uv_tcp_open(&s->listener, fd);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
    if (rc != 0)
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    return rc;
}

void server_set_routes(struct server *s, struct route_table *t)
{
    struct route_table *before = s->routes;
    route_table_ref(t);
    route_table_count(t, s->metrics);
    s->routes = t;
    route_table_unref(before);
}

void server_set_note(struct server *s, struct slice header_line)
{
    buf_clear(&s->note);
    buf_slice(&s->note, header_line);
    s->common_ms = 0;
}

static void stop_listening(struct server *s)
{
    if (s->listening && !uv_is_closing((uv_handle_t *)&s->listener))
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}

/* Whoever stands in the backlog when the listener closes is reset, though the connection was made before we stopped. */
static void accept_backlog(struct server *s)
{
    uv_os_fd_t listener;
    if (!s->listening || uv_fileno((uv_handle_t *)&s->listener, &listener) != 0)
        return;
    for (unsigned i = 0; i < BACKLOG; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        conn_open(s, fd);
    }
}

void server_drain(struct server *s, void (*on_drained)(void *arg), void *arg)
{
    s->on_drained = on_drained;
    s->drained_arg = arg;
    s->draining = true;
    accept_backlog(s);
    stop_listening(s);
    for (struct list *node = s->conns.next; node != &s->conns; node = node->next) {
        struct conn *c = LIST_OF(node, struct conn, link);
        if (c->state == CONN_IDLE)
            conn_enter(c, CONN_IDLE);
    }
    server_wake(s);
}

bool server_is_draining(const struct server *s)
{
    return s->draining;
}

void server_cancel_all(struct server *s)
{
    s->cancelled = true;
    /* Closing ends in callbacks from the loop, so the list stands still meanwhile. */
    for (struct list *node = s->conns.next; node != &s->conns; node = node->next)
        conn_close(LIST_OF(node, struct conn, link));
    server_settled(s);
}

const struct server_counts *server_counts(const struct server *s)
{
    struct server_counts *counts = &((struct server *)s)->counts;
    counts->idle = counts->connections > counts->active ? counts->connections - counts->active : 0;
    return counts;
}

void server_close(struct server *s, void (*on_closed)(void *arg), void *arg)
{
    assert(!s->closing);
    s->on_closed = on_closed;
    s->closed_arg = arg;
    s->closing = true;
    s->on_drained = NULL;
    stop_listening(s);
    server_cancel_all(s);
    server_wake(s);
}
