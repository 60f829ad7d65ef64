#include "pg/reads.h"
#include "base/arena.h"
#include "base/mem.h"
#include "pg/pool_internal.h"
#include <stdlib.h>

struct read_item {
    struct lane_item lane;
    struct pg_statement st; /* in the arena */
    struct reads *reads;
    struct pool_query *query; /* while it runs elsewhere */
    struct pg_result *res;    /* owned */
    uint64_t us;
};

struct reads {
    struct pool *pool;
    struct arena arena;
    unsigned n, left; /* added, and without an answer */
    unsigned failed;
    struct pg_error *err; /* owned; of items[failed] */
    uint64_t sent_us;
    bool dropped; /* freed by its owner: goes with its last answer */
    void (*fn)(void *arg);
    void *arg;
    unsigned cap;
    struct read_item items[];
};

struct reads *reads_new(struct pool *p, unsigned n)
{
    struct reads *r = mem_alloc(sizeof *r + n * sizeof r->items[0]);

    assert(n > 0);
    *r = (struct reads){.pool = p, .cap = n};
    return r;
}

static void discard(struct reads *r)
{
    for (unsigned i = 0; i < r->n; i++)
        pg_result_free(r->items[i].res);
    arena_free(&r->arena);
    free(r->err);
    free(r);
}

/* ---- what is asked ---- */

static bool has_text_of(const struct pg_statement *st, const struct pg_statement *before)
{
    return statement_hash_of(st) == before->hash && slice_eq(st->sql, before->sql);
}

bool reads_add(struct reads *r, const struct pg_statement *st)
{
    struct read_item *it = &r->items[r->n];

    assert(r->n < r->cap);
    *it = (struct read_item){.reads = r};
    if (statement_bytes(st) > LANE_STATEMENT_BYTES_MAX)
        return false;
    if (r->n > 0 && has_text_of(st, &it[-1].st)) {
        if (statement_values_fault(st))
            return false;
        it->st.sql = it[-1].st.sql;
        it->st.hash = it[-1].st.hash;
    } else {
        struct lane *l = statement_fault(st) ? NULL : pool_find_lane(r->pool, POOL_ANY, st);
        if (l == NULL || l->kind != LANE_READ)
            return false;
        it->st.sql = slice_of(arena_dup(&r->arena, st->sql.p, st->sql.n), st->sql.n);
        it->st.hash = statement_hash_of(st);
    }
    statement_copy_values(&it->st, st, arena_alloc(&r->arena, statement_values_size(st)));
    r->n++;
    return true;
}

/* ---- what is answered ---- */

static void keep_error(struct reads *r, const struct pg_error *err, unsigned i)
{
    if (r->err && r->failed < i)
        return;
    if (r->err == NULL)
        r->err = pg_error_copy(err);
    r->failed = i;
}

static void take_answer(struct read_item *it, struct pg_result *res, const struct pg_error *err, uint64_t now_us)
{
    struct reads *r = it->reads;

    it->query = NULL;
    it->res = res;
    it->us = now_us > r->sent_us ? now_us - r->sent_us : 0;
    if (err)
        keep_error(r, err, (unsigned)(it - r->items));
    if (--r->left > 0)
        return;
    if (r->dropped)
        discard(r);
    else
        r->fn(r->arg);
}

static void on_elsewhere(struct pg_result *res, const struct pg_error *err, void *arg)
{
    take_answer(arg, res, err, clock_monotonic_us());
}

static void run_elsewhere(struct read_item *it)
{
    it->query = pool_query_shared(it->reads->pool, POOL_ANY, &it->st, NULL, on_elsewhere, it);
}

static void on_lane(struct lane_item *item, enum lane_end end, struct pg_result *res, const struct pg_error *err)
{
    struct read_item *it = LIST_OF(item, struct read_item, lane);

    if (end == LANE_ELSEWHERE && !it->reads->dropped)
        run_elsewhere(it);
    else
        take_answer(it, res, err, item->answered_us);
}

void reads_send(struct reads *r, void (*fn)(void *arg), void *arg)
{
    r->fn = fn;
    r->arg = arg;
    r->left = r->n;
    r->sent_us = clock_monotonic_us();
    for (unsigned i = 0; i < r->n; i++) {
        struct read_item *it = &r->items[i];
        struct lane *l = lane_pick(r->pool, LANE_READ);
        it->lane.st = &it->st;
        it->lane.hash = it->st.hash;
        it->lane.fn = on_lane;
        if (l == NULL || !lane_send(l, &it->lane))
            run_elsewhere(it);
    }
}

void reads_free(struct reads *r)
{
    if (r == NULL)
        return;
    r->dropped = true;
    r->left++; /* ours: nothing that is cancelled here may end it */
    for (unsigned i = 0; i < r->n; i++) {
        struct read_item *it = &r->items[i];
        if (it->query && pool_query_cancel(it->query)) {
            it->query = NULL;
            r->left--;
        }
    }
    if (--r->left == 0)
        discard(r);
}

struct pg_result *reads_take(struct reads *r, unsigned i)
{
    struct pg_result *res = r->items[i].res;

    r->items[i].res = NULL;
    return res;
}

uint64_t reads_us(const struct reads *r, unsigned i)
{
    return r->items[i].us;
}

const struct pg_error *reads_error(const struct reads *r, unsigned *i)
{
    *i = r->failed;
    return r->err;
}
