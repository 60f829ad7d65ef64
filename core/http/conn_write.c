#include "http/conn.h"

#include "base/mem.h"

#include <stdlib.h>

/* What the kernel did not take at once. */
struct rest {
    uv_write_t write;
    size_t n;
    char data[];
};

size_t conn_queued(const struct conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

/* All connections gather in one buffer, one after the other: what one has gathered leaves before another begins. */
struct buf *conn_out(struct conn *c)
{
    struct server *s = c->server;
    if (s->out_conn != c) {
        if (s->out_conn != NULL)
            conn_flush(s->out_conn, slice_of(NULL, 0));
        s->out_conn = c;
    }
    return &s->out;
}

static void on_broken(struct conn *c)
{
    c->broken = true;
    if (!c->feeding)
        conn_close(c);
}

static void on_rest_written(uv_write_t *w, int status)
{
    struct conn *c = w->handle->data;
    free(w);
    if (status != 0) {
        on_broken(c);
        return;
    }
    if (c->state == CONN_STREAM)
        stream_on_written(c);
    if (c->state != CONN_SEND || conn_queued(c) > 0)
        return;
    c->state = CONN_IDLE;
    conn_settle(c);
    if (c->state == CONN_IDLE && c->in.n > 0)
        conn_feed_kept(c);
}

static void queue(struct conn *c, const uv_buf_t *bufs, unsigned count, size_t skip)
{
    size_t n = 0;
    for (unsigned i = 0; i < count; i++)
        n += bufs[i].len;
    struct rest *rest = mem_alloc(sizeof *rest + n - skip);
    rest->n = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t from = skip < bufs[i].len ? skip : bufs[i].len;
        memcpy(rest->data + rest->n, bufs[i].base + from, bufs[i].len - from);
        rest->n += bufs[i].len - from;
        skip -= from;
    }
    uv_buf_t all = uv_buf_init(rest->data, (unsigned)rest->n);
    if (uv_write(&rest->write, (uv_stream_t *)&c->tcp, &all, 1, on_rest_written) != 0) {
        free(rest);
        on_broken(c);
    }
}

void conn_flush(struct conn *c, struct slice tail)
{
    struct server *s = c->server;
    if (s->out_conn != c)
        return;
    s->out_conn = NULL;
    uv_buf_t bufs[2] = {uv_buf_init(s->out.p, (unsigned)s->out.n), uv_buf_init((char *)tail.p, (unsigned)tail.n)};
    size_t n = s->out.n + tail.n;
    unsigned count = tail.n > 0 ? 2 : 1;
    buf_clear(&s->out);
    if (n == 0 || c->broken || c->state == CONN_CLOSED)
        return;
    s->counts.bytes_out += n;
    counter_add(&s->metrics->bytes_out, n);
    /* UV_EAGAIN while something is queued: nothing overtakes it. */
    int sent = uv_try_write((uv_stream_t *)&c->tcp, bufs, count);
    if (sent == (int)n)
        return;
    if (sent < 0 && sent != UV_EAGAIN)
        on_broken(c);
    else
        queue(c, bufs, count, sent > 0 ? (size_t)sent : 0);
}
