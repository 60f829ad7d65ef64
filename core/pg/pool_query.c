#include "base/mem.h"
#include "pg/pool_internal.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* SPARE_MAX: ended ones that are kept to be used again, each with a copy of at most SPARE_COPY_MAX bytes. */
enum { TRIES_MAX = 3, SPARE_MAX = 128, SPARE_COPY_MAX = 4096 };

struct pool_query {
    struct pool *pool;
    struct list link;     /* of pool->spare_queries */
    struct pg_conn *conn; /* borrowed while it runs; NULL in the line */
    struct deferred late; /* a parameter that cannot be sent is told at the next turn */
    const char *fault;
    pg_result_fn fn;
    void *arg;
    bool script, cancelled;
    bool on_lane, timed; /* timed: its time on a connection of its own is of interest */
    unsigned tries;
    enum pool_word word;
    uint64_t sent_us;
    struct pool_wait wait;
    /* ---- from here on nothing is cleared for the next one ---- */
    struct statement_copy copy;
    struct lane_item item;
    char where[96];
};

static void on_acquired(struct pool_wait *w, struct pg_conn *c, const struct pg_error *err);

static struct pool_query *take(struct pool *p)
{
    struct list *spare = list_first(&p->spare_queries);
    struct pool_query *q;

    if (spare) {
        list_remove(spare);
        p->spare_query_count--;
        q = LIST_OF(spare, struct pool_query, link);
    } else {
        q = mem_alloc(sizeof *q);
        q->copy = (struct statement_copy){0};
    }
    memset(q, 0, offsetof(struct pool_query, copy));
    q->pool = p;
    q->where[0] = '\0';
    return q;
}

static void free_query(struct pool_query *q)
{
    statement_copy_free(&q->copy);
    free(q);
}

static void drop(struct pool_query *q)
{
    struct pool *p = q->pool;

    if (p->spare_query_count == SPARE_MAX || q->copy.cap > SPARE_COPY_MAX) {
        free_query(q);
        return;
    }
    list_push_front(&p->spare_queries, &q->link);
    p->spare_query_count++;
}

void pool_queries_free(struct pool *p)
{
    while (!list_is_empty(&p->spare_queries)) {
        struct list *spare = list_first(&p->spare_queries);
        list_remove(spare);
        free_query(LIST_OF(spare, struct pool_query, link));
    }
    p->spare_query_count = 0;
}

static void finish(struct pool_query *q, struct pg_result *res, const struct pg_error *err)
{
    pg_result_fn fn = q->fn;
    void *arg = q->arg;

    drop(q);
    fn(res, err, arg);
}

/* The connection goes back first, so that the callback can have it again. */
static void on_result(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pool_query *q = arg;

    if (q->timed)
        history_add(&q->pool->history, q->copy.st.hash, clock_monotonic_us() - q->sent_us, res ? pg_result_bytes(res) : 0,
                    err != NULL);
    pg_conn_release(q->conn, q->where);
    q->conn = NULL;
    if (err && err->kind == PG_UNAVAILABLE && !q->cancelled && ++q->tries < TRIES_MAX)
        pool_acquire(q->pool, &q->wait, on_acquired, q);
    else
        finish(q, res, err);
}

static void run(struct pool_query *q, struct pg_conn *c, uint64_t now_us)
{
    q->conn = c;
    q->sent_us = now_us;
    if (q->script)
        pg_conn_script(c, q->copy.st.sql, on_result, q);
    else
        pg_conn_run(c, &q->copy.st, on_result, q);
}

static void on_acquired(struct pool_wait *w, struct pg_conn *c, const struct pg_error *err)
{
    struct pool_query *q = w->arg;

    if (c)
        run(q, c, clock_monotonic_us());
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

static void run_anywhere(struct pool_query *q)
{
    uint64_t now_us = clock_monotonic_us();
    struct pg_conn *c = pool_try_acquire_at(q->pool, now_us);

    if (c)
        run(q, c, now_us);
    else
        pool_acquire(q->pool, &q->wait, on_acquired, q);
}

/* ---- on a shared connection ---- */

static bool is_shared(const struct pool *p, enum pool_word word)
{
    return p->opts.pipeline && p->opts.prepared && word != POOL_OWN;
}

struct lane *pool_find_lane(struct pool *p, enum pool_word word, const struct pg_statement *st)
{
    struct text_past *past;

    if (!is_shared(p, word))
        return NULL;
    past = history_find(&p->history, st->sql, statement_hash_of(st));
    if (past->does == TEXT_OWN || !history_is_quick(&p->history, past) || statement_bytes(st) > LANE_STATEMENT_BYTES_MAX)
        return NULL;
    if (word == POOL_WRITES || past->wrote || (word == POOL_ANY && past->does == TEXT_WRITES))
        return p->opts.write_lane ? lane_pick(p, LANE_WRITE) : NULL;
    return lane_pick(p, LANE_READ);
}

static void on_lane(struct lane_item *it, enum lane_end end, struct pg_result *res, const struct pg_error *err)
{
    struct pool_query *q = LIST_OF(it, struct pool_query, item);

    q->on_lane = false;
    if (q->cancelled) { /* nobody waits for it any more */
        pg_result_free(res);
        drop(q);
    } else if (end == LANE_ELSEWHERE) {
        run_anywhere(q);
    } else {
        finish(q, res, err);
    }
}

static bool run_on_lane(struct pool_query *q)
{
    struct lane *l;

    if (!is_shared(q->pool, q->word))
        return false;
    q->copy.st.hash = statement_hash_of(&q->copy.st);
    q->timed = true;
    l = pool_find_lane(q->pool, q->word, &q->copy.st);
    if (l == NULL)
        return false;
    q->item.st = &q->copy.st;
    q->item.hash = q->copy.st.hash;
    q->item.fn = on_lane;
    q->on_lane = lane_send(l, &q->item);
    return q->on_lane;
}

void pool_learn(struct pool *p, const struct pg_statement *st, uint64_t us, size_t bytes)
{
    uint64_t hash = statement_hash_of(st);

    if (!is_shared(p, POOL_ANY))
        return;
    (void)history_find(&p->history, st->sql, hash);
    history_add(&p->history, hash, us, bytes, false);
}

static struct pool_query *start(struct pool_query *q, const struct pg_statement *st, const char *where)
{
    if (where && *where)
        snprintf(q->where, sizeof q->where, "%s", where);
    deferred_init(&q->late, on_fault);
    q->fault = statement_fault(st);
    if (q->fault) {
        defer_call(&q->pool->defer, &q->late);
        return q;
    }
    statement_copy_set(&q->copy, st);
    if (!run_on_lane(q))
        run_anywhere(q);
    return q;
}

struct pool_query *pool_query(struct pool *p, const struct pg_statement *st, const char *where, pg_result_fn fn, void *arg)
{
    struct pool_query *q = take(p);

    q->fn = fn;
    q->arg = arg;
    q->word = POOL_OWN;
    return start(q, st, where);
}

struct pool_query *pool_query_shared(struct pool *p, enum pool_word word, const struct pg_statement *st, const char *where,
                                     pg_result_fn fn, void *arg)
{
    struct pool_query *q = take(p);

    q->fn = fn;
    q->arg = arg;
    q->word = word;
    return start(q, st, where);
}

struct pool_query *pool_script(struct pool *p, struct slice sql, const char *where, pg_result_fn fn, void *arg)
{
    struct pool_query *q = take(p);
    struct pg_statement st = {.sql = sql};

    q->fn = fn;
    q->arg = arg;
    q->script = true;
    q->word = POOL_OWN;
    return start(q, &st, where);
}

bool pool_query_cancel(struct pool_query *q)
{
    q->cancelled = true;
    if (q->on_lane)
        return true; /* it keeps its place, for a neighbour could be hit; the answer is dropped when it comes */
    if (q->conn) {
        pg_conn_cancel(q->conn);
        return false;
    }
    if (q->fault)
        return false;
    pool_wait_cancel(&q->wait);
    drop(q);
    return true;
}
