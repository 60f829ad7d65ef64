#include "pg/lane.h"
#include "base/log.h"
#include "pg/pool_internal.h"

/* ms. Who waits for a lock for longer would hold up the others, and goes on a connection of its own. */
#define SET_LOCK_TIMEOUT "SET lock_timeout=50"

void lanes_init(struct pool *p)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &p->lanes[i];
        *l = (struct lane){.pool = p, .kind = i < LANES - 1 ? LANE_READ : LANE_WRITE};
        list_init(&l->sent);
        list_init(&l->again);
    }
}

static void give_back(struct lane *l)
{
    struct pg_conn *c = l->conn;

    c->lane = NULL;
    l->conn = NULL;
    l->state = LANE_CLOSED;
    pool_move(l->pool, c, CONN_BUSY);
    pg_conn_release(c, NULL);
}

static void on_set_back(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct lane *l = arg;

    pg_result_free(res);
    l->conn->touched = false;
    if (err)
        pg_conn_shut(l->conn, err->message);
    give_back(l);
}

static void leave(struct lane *l)
{
    struct pg_conn *c = l->conn;

    l->state = LANE_LEAVING;
    c->lane = NULL;
    if (c->worn || l->pool->closing || !pg_conn_is_open(c) || !PQexitPipelineMode(c->pq)) {
        c->worn = true;
        give_back(l);
        return;
    }
    pg_conn_script(c, SLICE_LIT("RESET default_transaction_read_only;RESET lock_timeout"), on_set_back, l);
}

static void on_set_up(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct lane *l = arg;

    pg_result_free(res);
    if (err || l->pool->closing || !PQenterPipelineMode(l->conn->pq)) {
        if (err)
            pg_conn_shut(l->conn, err->message);
        give_back(l);
        return;
    }
    l->state = LANE_OPEN;
    l->conn->lane = l;
    lane_settle(l);
}

/* The lock timeout is for what may be sent elsewhere: whoever has to wait for a lock must not hold up the others. */
static void open_lane(struct lane *l)
{
    struct pg_conn *c = pool_try_acquire(l->pool);

    if (c == NULL)
        return;
    l->conn = c;
    l->state = LANE_OPENING;
    l->unsynced = l->at_sync = l->overdue = false;
    pool_move(l->pool, c, CONN_LANE);
    if (l->kind == LANE_READ)
        pg_conn_script(c, SLICE_LIT("SET default_transaction_read_only=on;" SET_LOCK_TIMEOUT), on_set_up, l);
    else
        pg_conn_script(c, SLICE_LIT(SET_LOCK_TIMEOUT), on_set_up, l);
}

/* Idle for a while: the socket is asked whether the server is still there. */
static bool is_usable(struct lane *l)
{
    if (l->state == LANE_CLOSED)
        open_lane(l);
    if (l->state != LANE_OPEN || l->depth >= LANE_DEPTH_MAX || l->conn->worn)
        return false;
    if (lane_is_idle(l) && clock_monotonic_us() - l->answered_us > POOL_TRUST_US && pg_conn_has_input(l->conn))
        pg_conn_on_input(l->conn);
    return l->state == LANE_OPEN && pg_conn_is_open(l->conn);
}

struct lane *lane_pick(struct pool *p, enum lane_kind kind)
{
    struct lane *first = &p->lanes[0], *second = &p->lanes[1];

    if (p->closing || p->opts.max < LANE_POOL_MIN || p->conn_opts.plain_startup)
        return NULL;
    if (kind == LANE_WRITE)
        return is_usable(&p->lanes[LANES - 1]) ? &p->lanes[LANES - 1] : NULL;
    if (first->depth < LANE_SPREAD_DEPTH || p->opts.max < LANE_SECOND_POOL_MIN)
        return is_usable(first) ? first : NULL;
    if (is_usable(second) && second->depth < first->depth)
        return second;
    return is_usable(first) ? first : NULL;
}

static bool is_wanted(const struct lane *l)
{
    const struct pool *p = l->pool;

    bool gives_way = p->waiting > 0 && (p->failures > 0 || pool_size(p) >= p->opts.max);

    return !p->closing && !gives_way && !l->conn->worn && l->conn->cache.discarded_count < DISCARDED_DUE &&
           pool_now(p) < l->conn->retire_ms;
}

void lane_settle(struct lane *l)
{
    struct pg_conn *c = l->conn;

    if (l->state != LANE_OPEN)
        return;
    if (!lane_is_idle(l)) {
        if (c->opts->statement_ms > 0)
            wheel_set(c->opts->wheel, &c->deadline, c->opts->statement_ms + CONN_OVERTIME_MS);
        return;
    }
    wheel_clear(c->opts->wheel, &c->deadline);
    if (!is_wanted(l))
        leave(l);
}

static bool was_sent(const struct lane *l, const struct lane_item *it)
{
    return it->batch < l->batch;
}

static void tell_lost(struct lane *l, struct lane_item *it, const char *why)
{
    struct pg_error err;
    bool failed = it->result && PQresultStatus(it->result) == PGRES_FATAL_ERROR;

    list_remove(&it->link);
    if (failed && !it->aborted && !pg_result_is_fatal(it->result))
        pg_error_from_result(&err, it->result);
    else if (it->aborted || !was_sent(l, it))
        err.kind = PG_OK;
    else
        pg_error_set(&err, l->overdue ? PG_TIMED_OUT : PG_LOST, "%s", why);
    PQclear(it->result);
    it->result = NULL;
    if (err.kind == PG_OK)
        it->fn(it, LANE_ELSEWHERE, NULL, NULL);
    else
        it->fn(it, LANE_DONE, NULL, &err);
}

static void take_all(struct list *to, struct list *from)
{
    while (!list_is_empty(from)) {
        struct list *n = list_first(from);
        list_remove(n);
        list_push_back(to, n);
    }
}

void lane_lost(struct lane *l)
{
    struct pg_conn *c = l->conn;
    struct lane was = *l;
    struct list items;
    char why[CONN_BROKEN_MAX];

    memcpy(why, c->broken, sizeof why);
    list_init(&items);
    take_all(&items, &l->sent);
    take_all(&items, &l->again);
    c->lane = NULL;
    l->conn = NULL;
    l->state = LANE_CLOSED;
    l->depth = l->syncs = 0;
    l->unsynced = l->at_sync = false;
    counter_add(&l->pool->counts->lost, 1);
    log_note(LOG_WARN, "pool", "a shared connection was lost", "error", why);
    pool_discard(l->pool, c);
    while (!list_is_empty(&items))
        tell_lost(&was, LIST_OF(list_first(&items), struct lane_item, link), why);
    pool_grow(l->pool);
}

void lane_on_deadline(struct lane *l)
{
    l->overdue = true;
    l->conn->events->on_silent(l->conn, l->conn->opts->statement_ms);
    pg_conn_break(l->conn, "the server gave no answer");
}

void lanes_make_room(struct pool *p)
{
    for (int i = 0; i < LANES; i++)
        lane_settle(&p->lanes[i]);
}

void lanes_tend(struct pool *p)
{
    uint64_t now = clock_monotonic_us();

    for (int i = 0; i < LANES; i++) {
        struct lane *l = &p->lanes[i];
        if (l->state == LANE_OPEN && lane_is_idle(l) && now - l->answered_us > POOL_TEND_MS * UINT64_C(1000))
            leave(l);
    }
}

void lanes_close(struct pool *p)
{
    for (int i = 0; i < LANES; i++)
        lane_settle(&p->lanes[i]);
}

unsigned lanes_busy(const struct pool *p)
{
    unsigned n = 0;

    for (int i = 0; i < LANES; i++)
        n += p->lanes[i].depth > 0;
    return n;
}
