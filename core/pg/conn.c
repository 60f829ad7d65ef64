#include "pg/conn.h"
#include "base/log.h"
#include "base/mem.h"
#include "pg/lane.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* On its own heap block, because closing it takes a turn of the loop and libpq may have the next socket before that. */
struct socket_watch {
    uv_poll_t poll;
    struct pg_conn *conn; /* held */
    int fd, events;
};

void pg_conn_hold(struct pg_conn *c)
{
    c->holds++;
}

void pg_conn_drop_hold(struct pg_conn *c)
{
    assert(c->holds > 0);
    if (--c->holds > 0)
        return;
    assert(c->closing && c->pq == NULL && c->watch == NULL);
    statement_cache_free(&c->cache);
    statement_copy_free(&c->copy);
    conn_batch_free(c->batch);
    PQclear(c->result);
    c->events->on_gone(c);
    free(c);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct socket_watch *w = handle->data;
    struct pg_conn *c = w->conn;

    free(w);
    pg_conn_drop_hold(c);
}

static void unwatch(struct pg_conn *c)
{
    if (c->watch == NULL)
        return;
    uv_close((uv_handle_t *)&c->watch->poll, on_watch_closed);
    c->watch = NULL;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *w = poll->data;
    struct pg_conn *c = w->conn;

    pg_conn_hold(c);
    if (c->job) {
        /* The socket may be closed and another opened inside PQconnectPoll, under the same number. */
        uv_poll_stop(poll);
        w->events = 0;
        connect_step(c);
    } else {
        if (status < 0) /* a reset: libuv has stopped to watch, but what came before it may still be read */
            w->events = 0;
        if ((events & UV_WRITABLE) && c->watch == w)
            pg_conn_on_writable(c);
        if (((events & UV_READABLE) || status < 0) && c->watch == w)
            pg_conn_on_input(c);
        if (status < 0 && c->watch == w && w->events == 0)
            pg_conn_watch(c, UV_READABLE);
    }
    pg_conn_drop_hold(c);
}

void pg_conn_watch(struct pg_conn *c, int events)
{
    int fd = PQsocket(c->pq);
    struct socket_watch *w = c->watch;

    if (w && w->fd != fd)
        unwatch(c);
    if (c->watch == NULL) {
        w = mem_zalloc(sizeof *w);
        w->fd = fd;
        w->conn = c;
        w->poll.data = w;
        if (uv_poll_init(c->opts->loop, &w->poll, fd) != 0)
            abort(); /* a socket that epoll does not take: out of file descriptors for epoll, or of kernel memory */
        c->watch = w;
        pg_conn_hold(c);
    }
    if (w->events == events)
        return;
    w->events = events;
    uv_poll_start(&w->poll, events, on_socket);
}

static void on_deadline(struct wheel_timer *t)
{
    struct pg_conn *c = LIST_OF(t, struct pg_conn, deadline);

    pg_conn_hold(c);
    if (c->job) {
        connect_overdue(c);
    } else if (c->fn) {
        pg_conn_on_deadline(c);
    } else if (c->lane) {
        lane_on_deadline(c->lane);
    }
    pg_conn_drop_hold(c);
}

static void on_late(struct deferred *d)
{
    struct pg_conn *c = LIST_OF(d, struct pg_conn, late);

    pg_conn_hold(c);
    if (c->job)
        connect_late(c);
    else if (c->fn)
        pg_conn_finish(c);
    else if (c->lane)
        c->events->on_died(c);
    pg_conn_drop_hold(c);
}

struct pg_conn *pg_conn_open(struct conn_opts *opts, const struct conn_events *events, void *owner)
{
    struct pg_conn *c = mem_zalloc(sizeof *c);

    list_init(&c->link);
    c->owner = owner;
    c->opts = opts;
    c->events = events;
    c->holds = 1; /* until pg_conn_close */
    c->statement_ms = opts->statement_ms;
    wheel_timer_init(&c->deadline, on_deadline);
    wheel_timer_init(&c->cancel_again, cancel_on_again);
    deferred_init(&c->late, on_late);
    deferred_init(&c->sending, conn_on_sending);
    deferred_init(&c->stream.more, conn_stream_on_more);
    statement_cache_init(&c->cache);
    wheel_set(opts->wheel, &c->deadline, opts->connect_ms);
    connect_start(c);
    return c;
}

/* The poll handle goes first: libpq closes the socket, and a closed number must not be left in epoll's set. */
void pg_conn_hang_up(struct pg_conn *c)
{
    unwatch(c);
    if (c->pq)
        PQfinish(c->pq);
    c->pq = NULL;
}

void pg_conn_shut(struct pg_conn *c, const char *why)
{
    if (c->broken[0] == '\0')
        snprintf(c->broken, sizeof c->broken, "%s", why && *why ? why : "closed");
    pg_error_trim(c->broken);
    pg_conn_hang_up(c);
}

void pg_conn_break(struct pg_conn *c, const char *why)
{
    pg_conn_shut(c, why);
    if (c->fn)
        pg_conn_finish(c);
    else
        c->events->on_died(c);
}

void pg_conn_close(struct pg_conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    wheel_clear(c->opts->wheel, &c->deadline);
    wheel_clear(c->opts->wheel, &c->cancel_again);
    defer_drop(&c->late);
    defer_drop(&c->sending);
    conn_stream_reset(c);
    connect_free(c);
    pg_conn_shut(c, "closed");
    c->fn = NULL;
    cancel_drop(c);
    pg_conn_drop_hold(c);
}

bool pg_conn_is_open(const struct pg_conn *c)
{
    return c->opened && c->pq != NULL && PQstatus(c->pq) == CONNECTION_OK;
}

bool pg_conn_has_input(const struct pg_conn *c)
{
    char byte;
    ssize_t n = recv(PQsocket(c->pq), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum pg_tx_status pg_conn_tx_status(const struct pg_conn *c)
{
    if (c->pq == NULL)
        return PG_TX_UNKNOWN;
    switch (PQtransactionStatus(c->pq)) {
    case PQTRANS_IDLE:
        return PG_TX_IDLE;
    case PQTRANS_ACTIVE:
        return PG_TX_ACTIVE;
    case PQTRANS_INTRANS:
        return PG_TX_OPEN;
    case PQTRANS_INERROR:
        return PG_TX_FAILED;
    default:
        return PG_TX_UNKNOWN;
    }
}

bool pg_conn_tx_was_ended(const struct pg_conn *c)
{
    return c->was_in_tx && (c->tx_ended || pg_conn_tx_status(c) == PG_TX_IDLE);
}

int pg_conn_backend_pid(const struct pg_conn *c)
{
    return c->pq ? PQbackendPID(c->pq) : 0;
}

void pg_conn_set_deadline(struct pg_conn *c, uint64_t ms)
{
    c->statement_ms = ms;
}
