#include "pg/lane.h"
#include "pg/pool_internal.h"

/* libpq refuses before it puts anything into its buffer, unless it is out of memory: then what is in there is not whole,
 * and the connection cannot be used any more. */
static bool fail(struct lane *l)
{
    pg_conn_fail_late(l->conn, PQerrorMessage(l->conn->pq));
    return false;
}

static bool parse(struct pg_conn *c, struct lane_item *it)
{
    char name[STATEMENT_NAME_MAX];
    struct prepared *p = statement_add(&c->cache, it->st->sql, it->hash);

    it->number = p->number;
    it->parsing = true;
    statement_name(name, p->number);
    return PQsendPrepare(c->pq, name, it->st->sql.p, 0, NULL) != 0;
}

static bool execute(struct pg_conn *c, const struct pg_statement *st, unsigned number, int format)
{
    char name[STATEMENT_NAME_MAX];

    if (number == 0)
        return PQsendQueryParams(c->pq, st->sql.p, st->n, NULL, st->values, NULL, NULL, 0) != 0;
    statement_name(name, number);
    return PQsendQueryPrepared(c->pq, name, st->n, st->values, NULL, NULL, format) != 0;
}

static bool is_worth_preparing(const struct pg_conn *c, const struct pg_statement *st)
{
    return st->sql.n <= STATEMENT_SQL_MAX && c->cache.discarded_count < DISCARDED_MAX;
}

static bool put(struct lane *l, struct lane_item *it)
{
    struct pg_conn *c = l->conn;
    struct prepared *known;

    it->parsing = it->executed = it->ends_batch = it->aborted = it->stale = false;
    it->number = 0;
    it->batch = l->batch;
    if (!l->unsynced)
        l->began_us = clock_monotonic_us();
    it->sent_us = l->began_us;
    if (c->plans != c->opts->plans)
        statement_discard_all(&c->cache);
    c->plans = c->opts->plans;
    known = statement_find(&c->cache, it->st->sql, it->hash);
    if (known)
        it->number = known->number;
    else if (is_worth_preparing(c, it->st) && !parse(c, it))
        return false;
    if (!execute(c, it->st, it->number, known ? conn_format(c, known) : 0))
        return false;
    list_push_back(&l->sent, &it->link);
    l->unsynced = true;
    return true;
}

/* Flushes as well, as far as the socket takes it. */
static bool sync(struct lane *l)
{
    if (!PQpipelineSync(l->conn->pq))
        return fail(l);
    if (list_is_empty(&l->sent))
        l->at_sync = true;
    else
        LIST_OF(l->sent.prev, struct lane_item, link)->ends_batch = true;
    l->unsynced = false;
    l->batch++;
    l->syncs++;
    return pg_conn_flush(l->conn);
}

static void ask_for_flush(struct pool *p)
{
    if (!uv_is_active((uv_handle_t *)&p->turn))
        uv_prepare_start(&p->turn, p->on_turn);
}

bool lane_send(struct lane *l, struct lane_item *it)
{
    bool was_idle = lane_is_idle(l);

    it->tries = 0;
    it->result = NULL;
    list_init(&it->link);
    if (!put(l, it))
        return fail(l);
    l->depth++;
    if (was_idle)
        lane_settle(l);
    if (l->kind == LANE_WRITE)
        (void)sync(l); /* a failure is told to all that is on the lane, at the next turn */
    else
        ask_for_flush(l->pool);
    return true;
}

static void send_again(struct lane *l)
{
    while (!list_is_empty(&l->again)) {
        struct lane_item *it = LIST_OF(list_first(&l->again), struct lane_item, link);
        list_remove(&it->link);
        if (!put(l, it)) {
            list_push_back(&l->again, &it->link);
            (void)fail(l);
            return;
        }
        if (!sync(l))
            return;
    }
}

void lanes_flush(struct pool *p)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *l = &p->lanes[i];
        if (l->state != LANE_OPEN || !pg_conn_is_open(l->conn))
            continue;
        if (l->unsynced && !sync(l))
            continue;
        send_again(l);
    }
}
