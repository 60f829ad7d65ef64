#include "base/mem.h"
#include "pg/pool_internal.h"
#include <stdio.h>
#include <stdlib.h>

enum { TRIES_MAX = 3 };

struct pool_query {
    struct pool *pool;
    struct pool_wait wait;
    struct pg_conn *conn; /* borrowed while it runs; NULL in the line */
    struct statement_copy copy;
    struct deferred late; /* a parameter that cannot be sent is told at the next turn */
    const char *fault;
    char where[96];
    pg_result_fn fn;
    void *arg;
    bool script, cancelled;
    unsigned tries;
};

static void on_acquired(struct pool_wait *w, struct pg_conn *c, const struct pg_error *err);

static void finish(struct pool_query *q, struct pg_result *res, const struct pg_error *err)
{
    pg_result_fn fn = q->fn;
    void *arg = q->arg;

    statement_copy_free(&q->copy);
    free(q);
    fn(res, err, arg);
}

/* The connection goes back first, so that the callback can have it again. */
static void on_result(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pool_query *q = arg;

    pg_conn_release(q->conn, q->where);
    q->conn = NULL;
    if (err && err->kind == PG_UNAVAILABLE && !q->cancelled && ++q->tries < TRIES_MAX)
        pool_acquire(q->pool, &q->wait, on_acquired, q);
    else
        finish(q, res, err);
}

static void run(struct pool_query *q, struct pg_conn *c)
{
    q->conn = c;
    if (q->script)
        pg_conn_script(c, q->copy.st.sql, on_result, q);
    else
        pg_conn_run(c, &q->copy.st, on_result, q);
}

static void on_acquired(struct pool_wait *w, struct pg_conn *c, const struct pg_error *err)
{
    struct pool_query *q = w->arg;

    if (c)
        run(q, c);
    else
        finish(q, NULL, err);
}

static void on_fault(struct deferred *d)
{
    struct pool_query *q = LIST_OF(d, struct pool_query, late);
    struct pg_error err;

    pg_error_set(&err, PG_BAD_PARAM, "%s", q->fault);
    finish(q, NULL, &err);
}

static struct pool_query *start(struct pool *p, const struct pg_statement *st, const char *where, struct pool_query *q)
{
    struct pg_conn *c;

    q->pool = p;
    if (where && *where)
        snprintf(q->where, sizeof q->where, "%s", where);
    deferred_init(&q->late, on_fault);
    q->fault = statement_fault(st);
    if (q->fault) {
        defer_call(&p->defer, &q->late);
        return q;
    }
    statement_copy_set(&q->copy, st);
    c = pool_try_acquire(p);
    if (c)
        run(q, c);
    else
        pool_acquire(p, &q->wait, on_acquired, q);
    return q;
}

struct pool_query *pool_query(struct pool *p, const struct pg_statement *st, const char *where, pg_result_fn fn, void *arg)
{
    struct pool_query *q = mem_zalloc(sizeof *q);

    q->fn = fn;
    q->arg = arg;
    return start(p, st, where, q);
}

struct pool_query *pool_script(struct pool *p, struct slice sql, const char *where, pg_result_fn fn, void *arg)
{
    struct pool_query *q = mem_zalloc(sizeof *q);
    struct pg_statement st = {.sql = sql};

    q->fn = fn;
    q->arg = arg;
    q->script = true;
    return start(p, &st, where, q);
}

bool pool_query_cancel(struct pool_query *q)
{
    q->cancelled = true;
    if (q->conn) {
        pg_conn_cancel(q->conn);
        return false;
    }
    if (q->fault)
        return false;
    pool_wait_cancel(&q->wait);
    statement_copy_free(&q->copy);
    free(q);
    return true;
}
