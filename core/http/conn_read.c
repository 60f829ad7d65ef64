#include "http/conn.h"

#include "base/clock.h"

/* Busy with an answer: what comes is kept for later. */
static bool waits(const struct conn *c)
{
    return (c->state == CONN_RUN || c->state == CONN_STREAM || c->state == CONN_SEND) && !c->close_after;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct conn *c = h->data;
    size_t room = READ_BYTES;
    (void)suggested;
    /* What cannot be worked on now is kept, and only so much of it. */
    if (waits(c) && c->in.n < KEPT_BYTES_MAX)
        room = KEPT_BYTES_MAX - c->in.n;
    *out = uv_buf_init(c->server->input, (unsigned)room);
}

static bool takes_input(const struct conn *c)
{
    return !c->close_after && !c->broken && (c->state == CONN_IDLE || c->state == CONN_HEAD || c->state == CONN_BODY);
}

/* Answers of pipelined requests leave together, but not without end, and a client that does not read gets no more. */
static bool may_go_on(struct conn *c)
{
    if (c->state != CONN_IDLE)
        return true;
    if (c->server->out.n > GATHER_BYTES_MAX)
        conn_flush(c, slice_of(NULL, 0));
    return conn_queued(c) == 0;
}

static size_t feed(struct conn *c, const char *p, size_t n)
{
    size_t at = 0;
    c->feeding = true;
    while (at < n && takes_input(c) && may_go_on(c)) {
        size_t used = c->state == CONN_BODY ? conn_take_body(c, p + at, n - at) : conn_take_head(c, p + at, n - at);
        if (used == 0) /* part of a head */
            break;
        at += used;
    }
    c->feeding = false;
    conn_flush(c, slice_of(NULL, 0));
    return at;
}

/* Stops reading when as much is kept as may be; conn_settle starts it again. */
static void limit_kept(struct conn *c)
{
    if (!waits(c) || c->in.n < KEPT_BYTES_MAX || !c->reading)
        return;
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

void conn_feed_kept(struct conn *c)
{
    list_remove(&c->ready);
    size_t used = feed(c, c->in.p, c->in.n);
    if (used == c->in.n)
        buf_free(&c->in);
    else
        buf_consume(&c->in, used);
    conn_settle(c);
    limit_kept(c);
}

static void feed_new(struct conn *c, const char *p, size_t n)
{
    if (c->close_after) {
        c->unread = true;
        return;
    }
    if (waits(c)) {
        buf_append(&c->in, p, n);
        limit_kept(c);
        return;
    }
    if (c->in.n > 0) {
        buf_append(&c->in, p, n);
        conn_feed_kept(c);
        return;
    }
    size_t used = feed(c, p, n);
    if (used < n && c->state != CONN_CLOSED)
        buf_append(&c->in, p + used, n - used);
    conn_settle(c);
    if (used < n)
        limit_kept(c);
}

static void discard(struct conn *c, size_t n)
{
    uint64_t now = c->server->opts.wheel->now_ms;
    if (n >= c->linger_left || now >= c->linger_until_ms) {
        conn_close(c);
        return;
    }
    c->linger_left -= (uint32_t)n;
    conn_enter(c, CONN_LINGER);
}

/* A client that ends its side while its request runs has left, as far as anybody can tell: a half-closed connection and a
 * closed one look the same until something is written. What it sent in full before has been answered by now, unless the
 * handler is waiting. */
static void on_end(struct conn *c, bool orderly)
{
    c->eof = true;
    c->reading = false;
    if (orderly && (c->state == CONN_HEAD || c->state == CONN_BODY))
        conn_refuse(c, 400, "bad_request", "the request ends in its middle");
    else if (!orderly || c->state != CONN_SEND)
        conn_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = stream->data;
    if (n == 0)
        return;
    if (n < 0) {
        on_end(c, n == UV_EOF);
        return;
    }
    c->server->counts.bytes_in += (uint64_t)n;
    counter_add(&c->server->metrics->bytes_in, (uint64_t)n);
    if (c->state == CONN_LINGER)
        discard(c, (size_t)n);
    else
        feed_new(c, b->base, (size_t)n);
}

void conn_read_start(struct conn *c)
{
    if (c->reading || c->eof)
        return;
    c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
}
