/* Several statements in one round trip on one connection that belongs to the caller. */
#include "base/mem.h"
#include "pg/conn.h"
#include "pg/session.h"
#include <assert.h>
#include <stdlib.h>

struct batch_part {
    struct statement_copy copy;
    PGresult *result; /* owned */
    unsigned parsing; /* number under which it is being prepared; 0: it is not */
};

struct conn_batch {
    unsigned n, at;
    unsigned failed; /* of the first error */
    struct batch_part parts[];
};

void conn_batch_free(struct conn_batch *b)
{
    if (b == NULL)
        return;
    for (unsigned i = 0; i < b->n; i++) {
        PQclear(b->parts[i].result);
        statement_copy_free(&b->parts[i].copy);
    }
    free(b);
}

const PGresult *conn_batch_result(const struct pg_conn *c, unsigned i)
{
    return c->batch && i < c->batch->n ? c->batch->parts[i].result : NULL;
}

unsigned conn_batch_count(const struct pg_conn *c)
{
    return c->batch ? c->batch->n : 0;
}

static struct conn_batch *batch_new(const struct pg_statement *sts, unsigned n)
{
    struct conn_batch *b = mem_zalloc(sizeof *b + n * sizeof b->parts[0]);

    b->n = n;
    for (unsigned i = 0; i < n; i++) {
        statement_copy_set(&b->parts[i].copy, &sts[i]);
        b->parts[i].copy.st.hash = statement_hash_of(&sts[i]);
    }
    return b;
}

static bool parse(struct pg_conn *c, struct batch_part *part)
{
    char name[STATEMENT_NAME_MAX];

    part->parsing = statement_add(&c->cache, part->copy.st.sql, part->copy.st.hash)->number;
    statement_name(name, part->parsing);
    return PQsendPrepare(c->pq, name, part->copy.st.sql.p, 0, NULL) != 0;
}

static bool put(struct pg_conn *c, struct batch_part *part)
{
    const struct pg_statement *st = &part->copy.st;
    struct prepared *known = c->opts->prepared ? statement_find(&c->cache, st->sql, st->hash) : NULL;
    char name[STATEMENT_NAME_MAX];
    unsigned number = known ? known->number : 0;

    part->parsing = 0;
    c->touched |= known ? known->touches : session_is_touched_by(st->sql);
    c->worn |= statement_bytes(st) > CONN_BYTES_KEPT_MAX;
    if (known == NULL && c->opts->prepared && statement_is_worth(&c->cache, st->sql, st->hash)) {
        if (!parse(c, part))
            return false;
        number = part->parsing;
    }
    if (number == 0)
        return PQsendQueryParams(c->pq, st->sql.p, st->n, NULL, st->values, NULL, NULL, 0) != 0;
    statement_name(name, number);
    return PQsendQueryPrepared(c->pq, name, st->n, st->values, NULL, NULL, 0) != 0;
}

/* Until its sync was sent nothing of it can be committed. */
static void send_batch(struct pg_conn *c)
{
    struct conn_batch *b = c->batch;
    bool sent = PQenterPipelineMode(c->pq) != 0;

    if (c->plans != c->opts->plans)
        statement_discard_all(&c->cache);
    c->plans = c->opts->plans;
    b->at = 0;
    for (unsigned i = 0; sent && i < b->n; i++)
        sent = put(c, &b->parts[i]);
    sent = sent && PQpipelineSync(c->pq);
    if (!sent) {
        pg_conn_fail_late(c, PQerrorMessage(c->pq));
        return;
    }
    c->unsent = false;
    c->step = STEP_BATCH;
    (void)pg_conn_flush(c);
}

void pg_conn_batch(struct pg_conn *c, const struct pg_statement *sts, unsigned n, pg_result_fn fn, void *arg)
{
    const char *fault = NULL;
    struct conn_batch *b = batch_new(sts, n);

    assert(n > 0);
    for (unsigned i = 0; i < n && fault == NULL; i++)
        fault = statement_fault(&sts[i]);
    pg_conn_begin(c, &b->parts[0].copy.st, fn, arg);
    c->batch = b;
    if (fault)
        pg_conn_refuse(c, fault);
    else
        pg_conn_send_late(c, send_batch);
}

static void forget(struct pg_conn *c, const struct pg_statement *st, unsigned number)
{
    struct prepared *p = statement_find(&c->cache, st->sql, st->hash);

    if (p && (number == 0 || p->number == number))
        statement_forget(&c->cache, p);
}

/* libpq has no more to say of the Parse, or of the statement. What was not prepared because of an error before it is
 * forgotten. */
static void step_over(struct pg_conn *c)
{
    struct conn_batch *b = c->batch;
    struct batch_part *part = &b->parts[b->at];

    if (b->at == b->n)
        return;
    if (part->parsing == 0) {
        b->at++;
        return;
    }
    if (c->result)
        forget(c, &part->copy.st, part->parsing);
    part->parsing = 0;
}

/* The server has lost a prepared statement, or a table has changed: nothing of the batch is done, outside of a transaction
 * it may run again. */
static bool is_stale(struct pg_conn *c)
{
    if (pg_result_wants_preparing(c->result)) {
        for (unsigned i = 0; i < c->batch->n; i++)
            forget(c, &c->batch->parts[i].copy.st, 0);
    } else if (pg_result_is_stale(c->result)) {
        c->opts->plans++;
    } else {
        return false;
    }
    return !c->was_in_tx && !c->retried && c->stop == STOP_NONE;
}

static void drop_results(struct pg_conn *c)
{
    for (unsigned i = 0; i < c->batch->n; i++) {
        PQclear(c->batch->parts[i].result);
        c->batch->parts[i].result = NULL;
    }
}

static void on_sync(struct pg_conn *c)
{
    struct conn_batch *b = c->batch;

    c->step = STEP_NONE;
    if (!PQexitPipelineMode(c->pq)) {
        pg_conn_break(c, PQerrorMessage(c->pq));
        return;
    }
    if (c->result && is_stale(c)) {
        PQclear(c->result);
        c->result = NULL;
        c->retried = c->unsent = true;
        drop_results(c);
        send_batch(c);
        return;
    }
    if (c->result == NULL) {
        c->result = b->parts[b->n - 1].result;
        b->parts[b->n - 1].result = NULL;
    }
    pg_conn_finish(c);
}

/* The first error counts: it is kept in c->result, and everything behind it was skipped. */
static void take(struct pg_conn *c, PGresult *res)
{
    struct conn_batch *b = c->batch;

    if (b->at < b->n)
        conn_note_tag(c, res, b->parts[b->at].copy.st.sql);
    if (pg_result_is_error(res) && c->result == NULL) {
        c->result = res;
        b->failed = b->at;
    } else if (b->at < b->n && b->parts[b->at].parsing == 0 && !pg_result_is_error(res) &&
               PQresultStatus(res) != PGRES_PIPELINE_ABORTED) {
        PQclear(b->parts[b->at].result);
        b->parts[b->at].result = res;
    } else {
        PQclear(res);
    }
}

void conn_batch_read(struct pg_conn *c)
{
    if (c->statement_ms > 0 && c->stop == STOP_NONE) /* of each of them */
        wheel_set(c->opts->wheel, &c->deadline, c->statement_ms + CONN_OVERTIME_MS);
    while (c->step == STEP_BATCH && !PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL && PQstatus(c->pq) != CONNECTION_OK) {
            pg_conn_break(c, PQerrorMessage(c->pq));
        } else if (res == NULL) {
            step_over(c);
        } else if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
            PQclear(res);
            on_sync(c);
            return;
        } else if (pg_result_is_copy(res)) {
            PQclear(res);
            conn_refuse_copy(c);
        } else {
            bool is_over = pg_result_is_fatal(res);
            take(c, res);
            if (is_over)
                conn_take_leave(c);
        }
    }
}

unsigned pg_conn_batch_failed(const struct pg_conn *c)
{
    return c->batch && c->batch->failed < c->batch->n ? c->batch->failed : 0;
}

struct pg_result *pg_conn_batch_take(struct pg_conn *c, unsigned i)
{
    struct batch_part *part = &c->batch->parts[i];
    PGresult *taken = part->result;

    part->result = NULL;
    return conn_take_rows(c, taken, part->copy.st.hash);
}
