#include "pg/conn.h"
#include "pg/session.h"
#include <assert.h>

/* A failure inside the call that starts a statement is told at the next turn. */
void pg_conn_fail_late(struct pg_conn *c, const char *why)
{
    pg_conn_shut(c, why);
    defer_call(c->opts->defer, &c->late);
}

bool pg_conn_flush(struct pg_conn *c)
{
    int rc = PQflush(c->pq);

    if (rc < 0)
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
    else
        pg_conn_watch(c, rc > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    return rc >= 0;
}

void pg_conn_send_late(struct pg_conn *c, void (*send)(struct pg_conn *c))
{
    c->send = send;
    defer_call(c->opts->defer, &c->sending);
}

void conn_on_sending(struct deferred *d)
{
    struct pg_conn *c = LIST_OF(d, struct pg_conn, sending);

    if (pg_conn_is_open(c))
        c->send(c);
    else
        pg_conn_fail_late(c, "the connection was closed");
}

static void send_unprepared(struct pg_conn *c)
{
    const struct pg_statement *st = c->st;

    c->touched |= session_is_touched_by(st->sql);
    c->unsent = PQsendQueryParams(c->pq, st->sql.p, st->n, NULL, st->values, NULL, NULL, 0) == 0;
    c->step = c->unsent ? STEP_NONE : STEP_UNPREPARED;
}

static void send_prepare(struct pg_conn *c)
{
    char name[STATEMENT_NAME_MAX];

    statement_name(name, statement_next_number(&c->cache));
    if (PQsendPrepare(c->pq, name, c->st->sql.p, 0, NULL))
        c->step = STEP_PREPARE;
}

static void send_execute(struct pg_conn *c)
{
    char name[STATEMENT_NAME_MAX];
    const struct pg_statement *st = c->st;

    c->touched |= c->prepared->touches;
    statement_name(name, c->prepared->number);
    c->unsent = PQsendQueryPrepared(c->pq, name, st->n, st->values, NULL, NULL, conn_format(c, c->prepared)) == 0;
    c->step = c->unsent ? STEP_NONE : STEP_EXECUTE;
}

static void send_statement(struct pg_conn *c)
{
    if (c->plans != c->opts->plans)
        statement_discard_all(&c->cache);
    c->plans = c->opts->plans;
    uint64_t hash = c->opts->prepared ? statement_hash_of(c->st) : 0;
    c->prepared = c->opts->prepared ? statement_find(&c->cache, c->st->sql, hash) : NULL;
    if (c->prepared)
        send_execute(c);
    else if (c->opts->prepared && statement_is_worth(&c->cache, c->st->sql, hash))
        send_prepare(c);
    else
        send_unprepared(c);
}

/* libpq refuses before it sends anything; after that it keeps a write error to itself until the answer is read. */
static void after_send(struct pg_conn *c)
{
    if (c->step == STEP_NONE)
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
    else
        (void)pg_conn_flush(c);
}

void pg_conn_send_statement(struct pg_conn *c)
{
    send_statement(c);
    after_send(c);
}

static void send_script(struct pg_conn *c)
{
    c->unsent = PQsendQuery(c->pq, c->st->sql.p) == 0;
    c->step = c->unsent ? STEP_NONE : STEP_SCRIPT;
    after_send(c);
}

void pg_conn_begin(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg)
{
    assert(c->fn == NULL && !c->closing);
    conn_batch_free(c->batch);
    c->batch = NULL;
    c->fn = fn;
    c->arg = arg;
    c->st = st;
    c->prepared = NULL;
    c->step = STEP_NONE;
    c->stop = STOP_NONE;
    c->unsent = true;
    c->retried = c->unreplicated = false;
    c->types_asked = c->tx_ended = c->rolled_back = false;
    c->begun_ms = uv_now(c->opts->loop);
    c->was_in_tx = pg_conn_tx_status(c) != PG_TX_IDLE;
    if (c->statement_ms > 0)
        wheel_set(c->opts->wheel, &c->deadline, c->statement_ms + CONN_OVERTIME_MS);
}

void pg_conn_run(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg)
{
    pg_conn_begin(c, st, fn, arg);
    c->worn |= statement_bytes(st) > CONN_BYTES_KEPT_MAX;
    pg_conn_send_late(c, pg_conn_send_statement);
}

void pg_conn_refuse(struct pg_conn *c, const char *fault)
{
    c->stop = STOP_FAULT;
    c->fault = fault;
    defer_call(c->opts->defer, &c->late);
}

void pg_conn_query(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg)
{
    const char *fault = statement_fault(st);

    if (fault) {
        pg_conn_begin(c, st, fn, arg);
        pg_conn_refuse(c, fault);
        return;
    }
    statement_copy_set(&c->copy, st);
    pg_conn_run(c, &c->copy.st, fn, arg);
}

void pg_conn_script(struct pg_conn *c, struct slice sql, pg_result_fn fn, void *arg)
{
    struct pg_statement st = {.sql = sql};
    const char *fault = statement_fault(&st);

    statement_copy_set(&c->copy, &st);
    pg_conn_begin(c, &c->copy.st, fn, arg);
    c->touched |= session_is_touched_by(sql); /* now, for the pool takes it back where it knows better */
    if (fault)
        pg_conn_refuse(c, fault);
    else
        pg_conn_send_late(c, send_script);
}

void pg_conn_cancel(struct pg_conn *c)
{
    if (c->fn == NULL || c->stop != STOP_NONE)
        return;
    if (defer_drop(&c->sending)) {
        c->stop = STOP_CANCELLED;
        wheel_clear(c->opts->wheel, &c->deadline);
        defer_call(c->opts->defer, &c->late);
        return;
    }
    if (c->step == STEP_NONE)
        return;
    if (c->step == STEP_STREAM) {
        conn_stream_stop(c);
        return;
    }
    if (c->step == STEP_COPY_IN) {
        conn_copy_stop(c, STOP_CANCELLED);
        return;
    }
    c->stop = STOP_CANCELLED;
    wheel_set(c->opts->wheel, &c->deadline, CONN_STOP_GRACE_MS);
    cancel_start(c);
}

void pg_conn_on_deadline(struct pg_conn *c)
{
    if (defer_drop(&c->sending)) {
        c->stop = STOP_DEADLINE;
        pg_conn_finish(c);
        return;
    }
    if (c->stop == STOP_NONE && c->step == STEP_COPY_IN) {
        conn_copy_stop(c, STOP_DEADLINE);
        return;
    }
    if (c->stop == STOP_NONE) {
        c->stop = STOP_DEADLINE;
        wheel_set(c->opts->wheel, &c->deadline, CONN_STOP_GRACE_MS);
        cancel_start(c);
        return;
    }
    c->events->on_silent(c, uv_now(c->opts->loop) - c->begun_ms);
    pg_conn_break(c, "no answer to a cancel request");
}
