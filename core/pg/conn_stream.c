/* An answer that need not fit into memory: rows one by one (libpq's single-row mode), or the data of COPY ... TO STDOUT.
 * It is handed over in parts, and nothing is read from the socket until the owner asks for the next one. */
#include "base/mem.h"
#include "pg/conn.h"
#include "pg/session.h"
#include <assert.h>
#include <stdlib.h>

enum {
    PART_ROWS_MAX = 256,
    PART_BYTES_MAX = 64 * 1024, /* of values, and then the rest of the row */
};

enum read { READ_ALL, READ_FULL, READ_OVER }; /* all that is there; a part is full; libpq has no more */

static bool is_wanted(const struct pg_conn *c)
{
    return c->stream.on_part && c->stop == STOP_NONE;
}

static bool is_full(const struct conn_stream *s)
{
    return s->bytes >= PART_BYTES_MAX || (s->rows && PQntuples(s->rows) >= PART_ROWS_MAX);
}

static bool has_part(const struct conn_stream *s)
{
    return s->rows || s->data.n > 0;
}

static void drop_part(struct conn_stream *s)
{
    PQclear(s->rows);
    s->rows = NULL;
    buf_free(&s->data);
    s->bytes = 0;
}

void conn_stream_reset(struct pg_conn *c)
{
    drop_part(&c->stream);
    defer_drop(&c->stream.more);
    c->stream.on_part = NULL;
    c->stream.copying = c->stream.paused = c->stream.ended = false;
}

/* ---- gathering ---- */

static bool is_copy_in(const PGresult *res)
{
    return res && (PQresultStatus(res) == PGRES_COPY_IN || PQresultStatus(res) == PGRES_COPY_BOTH);
}

static void append_row(struct conn_stream *s, PGresult *row)
{
    int at = PQntuples(s->rows);

    for (int i = 0; i < PQnfields(row); i++) {
        int n = PQgetisnull(row, 0, i) ? -1 : PQgetlength(row, 0, i);
        if (!PQsetvalue(s->rows, at, i, n < 0 ? NULL : PQgetvalue(row, 0, i), n))
            abort(); /* out of memory */
    }
}

static void take_row(struct pg_conn *c, PGresult *row)
{
    struct conn_stream *s = &c->stream;
    size_t n = 0;

    for (int i = 0; i < PQnfields(row); i++)
        n += (size_t)PQgetlength(row, 0, i);
    c->worn |= n > CONN_BYTES_KEPT_MAX;
    if (!is_wanted(c)) {
        PQclear(row);
        return;
    }
    s->bytes += n;
    if (s->rows == NULL) { /* the first one becomes the part that the others are added to */
        s->rows = row;
        return;
    }
    append_row(s, row);
    PQclear(row);
}

static enum read read_copy(struct pg_conn *c)
{
    struct conn_stream *s = &c->stream;
    char *p;
    int n;

    while ((n = PQgetCopyData(c->pq, &p, 1)) > 0) {
        c->worn |= (size_t)n > CONN_BYTES_KEPT_MAX;
        if (is_wanted(c)) {
            buf_append(&s->data, p, (size_t)n);
            s->bytes += (size_t)n;
        }
        PQfreemem(p);
        if (is_full(s))
            return READ_FULL;
    }
    s->copying = n == 0;
    return n == 0 ? READ_ALL : READ_OVER;
}

static enum read read_rows(struct pg_conn *c)
{
    enum read how;

    for (;;) {
        if (c->stream.copying && (how = read_copy(c)) != READ_OVER)
            return how;
        if (PQisBusy(c->pq))
            return READ_ALL;
        PGresult *res = PQgetResult(c->pq);
        switch (PQresultStatus(res)) {
        case PGRES_SINGLE_TUPLE:
            take_row(c, res);
            break;
        case PGRES_COPY_OUT:
            c->stream.copying = true;
            PQclear(res);
            break;
        default:
            if (res == NULL)
                return READ_OVER;
            conn_keep_result(c, res);
            if (is_copy_in(res)) /* it would come again and again */
                return READ_ALL;
        }
        if (is_full(&c->stream))
            return READ_FULL;
    }
}

/* ---- handing over ---- */

static void over(struct pg_conn *c)
{
    c->step = STEP_NONE;
    pg_conn_finish(c);
}

static void hand_over(struct pg_conn *c)
{
    c->stream.paused = true;
    wheel_clear(c->opts->wheel, &c->deadline);
    pg_conn_watch(c, 0);
    c->stream.on_part(c->arg); /* may do anything */
}

static void end(struct pg_conn *c)
{
    if (PQstatus(c->pq) != CONNECTION_OK) {
        pg_conn_break(c, PQerrorMessage(c->pq));
        return;
    }
    c->stream.ended = true;
    if (is_wanted(c) && has_part(&c->stream))
        hand_over(c);
    else
        over(c);
}

void conn_stream_read(struct pg_conn *c)
{
    enum read how = read_rows(c);

    while (how == READ_ALL && !is_copy_in(c->result) && conn_has_hidden_input(c)) {
        if (!conn_consume(c)) {
            pg_conn_break(c, PQerrorMessage(c->pq));
            return;
        }
        how = read_rows(c);
    }
    if (is_copy_in(c->result))
        conn_refuse_copy(c);
    else if (how == READ_OVER)
        end(c);
    else if (is_wanted(c) && has_part(&c->stream))
        hand_over(c);
}

/* ---- from the owner ---- */

static void go_on(struct pg_conn *c)
{
    if (c->stream.ended) {
        over(c);
        return;
    }
    if (c->stop == STOP_NONE && c->statement_ms > 0)
        wheel_set(c->opts->wheel, &c->deadline, c->statement_ms + CONN_OVERTIME_MS);
    if (c->pq == NULL || !conn_consume(c)) {
        pg_conn_break(c, c->pq ? PQerrorMessage(c->pq) : c->broken);
        return;
    }
    pg_conn_watch(c, UV_READABLE);
    conn_stream_read(c);
    /* Of what is to be stopped the rest may have been there already; if not, the server is told. */
    if (c->fn && c->step == STEP_STREAM && c->stop == STOP_CANCELLED)
        cancel_start(c);
}

void conn_stream_on_more(struct deferred *d)
{
    struct pg_conn *c = LIST_OF(d, struct pg_conn, stream.more);

    pg_conn_hold(c);
    if (c->fn && c->step == STEP_STREAM)
        go_on(c);
    else if (c->fn && c->step == STEP_COPY_IN)
        conn_copy_on_flushed(c);
    pg_conn_drop_hold(c);
}

void pg_conn_more(struct pg_conn *c)
{
    assert(c->fn && c->stream.paused);
    c->stream.paused = false;
    defer_call(c->opts->defer, &c->stream.more);
}

void conn_stream_stop(struct pg_conn *c)
{
    drop_part(&c->stream);
    c->stream.on_part = NULL;
    c->stream.paused = false;
    c->stop = STOP_CANCELLED;
    wheel_set(c->opts->wheel, &c->deadline, CONN_STOP_GRACE_MS);
    defer_call(c->opts->defer, &c->stream.more);
}

struct pg_result *pg_conn_take_rows(struct pg_conn *c)
{
    PGresult *rows = c->stream.rows;

    c->stream.rows = NULL;
    c->stream.bytes = 0;
    return rows ? pg_result_new(rows, c->opts->shapes, statement_hash(c->copy.st.sql)) : NULL;
}

struct slice pg_conn_view_data(const struct pg_conn *c)
{
    return buf_view(&c->stream.data);
}

void pg_conn_drop_data(struct pg_conn *c)
{
    buf_clear(&c->stream.data);
    c->stream.bytes = 0;
}

void conn_stream_send(struct pg_conn *c)
{
    const struct pg_statement *st = &c->copy.st;

    if (!PQsendQueryParams(c->pq, st->sql.p, st->n, NULL, st->values, NULL, NULL, 0) || !PQsetSingleRowMode(c->pq)) {
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
        return;
    }
    c->unsent = false;
    c->step = STEP_STREAM;
    (void)pg_conn_flush(c);
}

void pg_conn_stream(struct pg_conn *c, const struct pg_statement *st, pg_part_fn on_part, pg_result_fn fn, void *arg)
{
    const char *fault = statement_fault(st);

    statement_copy_set(&c->copy, st);
    pg_conn_begin(c, &c->copy.st, fn, arg);
    c->stream.on_part = on_part;
    if (fault) {
        pg_conn_refuse(c, fault);
        return;
    }
    st = &c->copy.st;
    c->worn |= statement_bytes(st) > CONN_BYTES_KEPT_MAX;
    c->touched |= session_is_touched_by(st->sql);
    if (!pg_conn_is_open(c))
        pg_conn_fail_late(c, "the connection was closed");
    else if (!conn_types_ask_first(c))
        conn_stream_send(c);
}
