/* COPY ... FROM STDIN. The owner is asked for data when the socket has taken what it gave before, so no more than one piece
 * of it is in memory. */
#include "pg/conn.h"
#include "pg/session.h"
#include <assert.h>
#include <sys/socket.h>

static void set_deadline(struct pg_conn *c)
{
    if (c->stop == STOP_NONE && c->statement_ms > 0)
        wheel_set(c->opts->wheel, &c->deadline, c->statement_ms + CONN_OVERTIME_MS);
}

/* ---- data ---- */

/* The owner may take its time; the socket is watched meanwhile, for the server may have had enough. */
static void ask(struct pg_conn *c)
{
    c->stream.paused = true;
    wheel_clear(c->opts->wheel, &c->deadline);
    c->stream.on_part(c->arg); /* may do anything */
}

static void end_data(struct pg_conn *c, const char *why)
{
    c->stream.copying = c->stream.paused = false;
    set_deadline(c);
    if (PQputCopyEnd(c->pq, why) != 1)
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
    else
        (void)pg_conn_flush(c);
}

static bool put(struct pg_conn *c, struct slice bytes)
{
    /* PQputCopyData takes an int. Nothing that it cannot queue is possible but what memory does not hold. */
    for (size_t at = 0; at < bytes.n;) {
        size_t n = bytes.n - at < (1 << 30) ? bytes.n - at : 1 << 30;
        if (PQputCopyData(c->pq, bytes.p + at, (int)n) != 1)
            return false;
        at += n;
    }
    return true;
}

void pg_conn_copy_put(struct pg_conn *c, struct slice bytes)
{
    int rc;

    if (!c->stream.copying) /* the server has had enough, and its error is on its way */
        return;
    assert(c->stream.paused);
    c->stream.paused = false;
    c->worn |= bytes.n > CONN_BYTES_KEPT_MAX;
    set_deadline(c);
    if (!put(c, bytes) || (rc = PQflush(c->pq)) < 0) {
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
    } else if (rc > 0) {
        pg_conn_watch(c, UV_READABLE | UV_WRITABLE);
    } else {
        defer_call(c->opts->defer, &c->stream.more);
    }
}

void pg_conn_copy_end(struct pg_conn *c, struct slice last)
{
    if (!c->stream.copying)
        return;
    assert(c->stream.paused);
    c->worn |= last.n > CONN_BYTES_KEPT_MAX;
    if (put(c, last))
        end_data(c, NULL);
    else
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
}

void conn_copy_on_flushed(struct pg_conn *c)
{
    if (c->stream.copying && !c->stream.paused && c->stop == STOP_NONE)
        ask(c);
}

/* ---- answers ---- */

static bool is_copy_out(const PGresult *res)
{
    return PQresultStatus(res) == PGRES_COPY_OUT || PQresultStatus(res) == PGRES_COPY_BOTH;
}

static void begin_data(struct pg_conn *c, const PGresult *res)
{
    c->stream.copying = true;
    c->stream.columns = PQnfields(res);
    if (c->stop == STOP_NONE)
        ask(c);
    else
        end_data(c, "cancelled");
}

static void over(struct pg_conn *c)
{
    c->step = STEP_NONE;
    if (PQstatus(c->pq) == CONNECTION_OK)
        pg_conn_finish(c);
    else
        pg_conn_break(c, PQerrorMessage(c->pq));
}

static void read_answers(struct pg_conn *c)
{
    while (!c->stream.copying && !PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL) {
            over(c);
            return;
        }
        if (is_copy_out(res)) {
            PQclear(res);
            conn_refuse_copy(c);
            return;
        }
        if (PQresultStatus(res) == PGRES_COPY_IN) {
            begin_data(c, res);
            PQclear(res);
            return;
        }
        conn_keep_result(c, res);
    }
}

/* libpq reads no error before the data has ended, and a server that has found one throws away all that is still sent.
 * So its type byte is looked at on its way in. What libpq read while it wrote, or what is encrypted, shows at the end. */
static bool has_refused(const struct pg_conn *c)
{
    char type;

    if (!c->stream.copying || PQsslInUse(c->pq))
        return false;
    return recv(PQsocket(c->pq), &type, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && type == 'E';
}

void conn_copy_on_input(struct pg_conn *c)
{
    bool refused = has_refused(c);

    if (!conn_consume(c)) {
        pg_conn_break(c, PQerrorMessage(c->pq));
        return;
    }
    if (refused)
        end_data(c, NULL);
    if (c->pq)
        read_answers(c);
}

/* ---- the beginning, and the end before the end ---- */

void conn_copy_stop(struct pg_conn *c, enum conn_stop why)
{
    c->stop = why;
    if (c->stream.copying)
        end_data(c, "cancelled");
    wheel_set(c->opts->wheel, &c->deadline, CONN_STOP_GRACE_MS);
    cancel_start(c); /* it may wait for a lock, and read nothing */
}

void pg_conn_copy_in(struct pg_conn *c, struct slice sql, pg_part_fn on_ready, pg_result_fn fn, void *arg)
{
    struct pg_statement st = {.sql = sql};
    const char *fault = statement_fault(&st);

    statement_copy_set(&c->copy, &st);
    pg_conn_begin(c, &c->copy.st, fn, arg);
    c->stream.on_part = on_ready;
    if (fault) {
        pg_conn_refuse(c, fault);
        return;
    }
    c->touched |= session_is_touched_by(sql);
    if (!pg_conn_is_open(c)) {
        pg_conn_fail_late(c, "the connection was closed");
    } else if (!PQsendQuery(c->pq, c->copy.st.sql.p)) {
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
    } else {
        c->unsent = false;
        c->step = STEP_COPY_IN;
        (void)pg_conn_flush(c);
    }
}

int pg_conn_copy_columns(const struct pg_conn *c)
{
    return c->stream.columns;
}
