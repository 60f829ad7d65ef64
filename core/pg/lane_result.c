#include "pg/lane.h"
#include "pg/pool_internal.h"

static struct prepared *find_number(struct statement_cache *sc, const struct lane_item *it)
{
    struct prepared *p = statement_find(sc, it->st->sql, it->hash);

    return p && p->number == it->number ? p : NULL;
}

/* What the server lost, or never came to prepare. */
static void forget(struct lane *l, const struct lane_item *it)
{
    struct prepared *p = find_number(&l->conn->cache, it);

    if (p)
        statement_forget(&l->conn->cache, p);
}

/* A statement that failed outside of a transaction has done nothing, so it may run again. */
static bool is_stale(struct lane *l, struct lane_item *it)
{
    if (it->number != 0 && pg_result_wants_preparing(it->result))
        forget(l, it);
    else if (pg_result_is_stale(it->result))
        l->conn->opts->plans++;
    else
        return false;
    return it->tries + 1 < LANE_TRIES_MAX;
}

static void keep(struct lane_item *it, PGresult *res)
{
    if (PQresultStatus(res) == PGRES_PIPELINE_ABORTED) {
        it->aborted |= it->result == NULL || !pg_result_is_error(it->result);
        PQclear(res);
        return;
    }
    it->result = pg_result_of_both(it->result, res);
}

static void drop_result(struct lane_item *it)
{
    PQclear(it->result);
    it->result = NULL;
}

/* Of several answers that came at once the first is charged with the wait for all of them. */
static void note(struct lane *l, struct lane_item *it, uint64_t now_us, bool failed)
{
    uint64_t since = it->sent_us > l->answered_us ? it->sent_us : l->answered_us;

    history_add(&l->pool->history, it->hash, now_us > since ? now_us - since : 0, PQresultMemorySize(it->result), failed);
    l->answered_us = now_us;
}

/* The server refuses to write here, or at all any more, or the statement would have waited for a lock. */
static bool belongs_elsewhere(struct lane *l, const struct lane_item *it)
{
    if (l->kind == LANE_READ && pg_result_has_sqlstate(it->result, "25006")) {
        history_wrote(&l->pool->history, it->hash);
        return true;
    }
    if (pg_result_has_sqlstate(it->result, "25006"))
        return conn_turned_read_only(l->conn);
    return pg_result_has_sqlstate(it->result, "55P03");
}

static void tell_error(struct lane *l, struct lane_item *it)
{
    struct pg_error err;
    uint64_t statement_ms = l->conn->opts->statement_ms;

    pg_error_from_result(&err, it->result);
    if (strcmp(err.sqlstate, "57014") == 0 && statement_ms > 0 && l->answered_us - it->sent_us >= statement_ms * 1000)
        err.kind = PG_TIMED_OUT;
    else if (pg_result_is_fatal(it->result))
        err.kind = PG_LOST;
    drop_result(it);
    it->fn(it, LANE_DONE, NULL, &err);
}

static void tell_rows(struct lane *l, struct lane_item *it)
{
    struct pg_result *res = conn_take_rows(l->conn, it->result, it->hash);
    struct prepared *p = pg_result_suits_binary(res) ? find_number(&l->conn->cache, it) : NULL;

    if (p)
        p->binary = true;
    it->result = NULL;
    it->fn(it, LANE_DONE, res, NULL);
}

static void send_again(struct lane *l, struct lane_item *it)
{
    it->tries++;
    l->depth++;
    list_push_back(&l->again, &it->link);
    if (!uv_is_active((uv_handle_t *)&l->pool->turn))
        uv_prepare_start(&l->pool->turn, l->pool->on_turn);
}

/* A read changes nothing: it runs again, and is prepared anew, in text. */
static void take_unreadable(struct lane *l, struct lane_item *it)
{
    struct pg_error err;

    forget(l, it);
    drop_result(it);
    if (l->kind == LANE_READ && it->tries + 1 < LANE_TRIES_MAX) {
        send_again(l, it);
        return;
    }
    conn_error_of_format(&err);
    it->fn(it, LANE_DONE, NULL, &err);
}

/* All answers to it are there. */
static void finish(struct lane *l, struct lane_item *it, uint64_t now_us)
{
    struct pg_error err;

    it->answered_us = now_us;
    list_remove(&it->link);
    l->depth--;
    if (it->aborted && it->tries + 1 >= LANE_TRIES_MAX) {
        drop_result(it);
        it->fn(it, LANE_ELSEWHERE, NULL, NULL);
    } else if (it->aborted || it->stale) {
        drop_result(it);
        send_again(l, it);
    } else if (it->result == NULL) {
        pg_error_set(&err, PG_LOST, "the server gave no result");
        it->fn(it, LANE_DONE, NULL, &err);
    } else if (pg_result_is_error(it->result)) {
        note(l, it, now_us, true);
        if (belongs_elsewhere(l, it)) {
            drop_result(it);
            it->fn(it, LANE_ELSEWHERE, NULL, NULL);
        } else {
            tell_error(l, it);
        }
    } else {
        note(l, it, now_us, false);
        if (pg_result_is_readable(it->result))
            tell_rows(l, it);
        else
            take_unreadable(l, it);
    }
}

/* libpq has said that this was all about the Parse, or the statement itself. */
static void step_over(struct lane *l, struct lane_item *it, uint64_t now_us)
{
    bool failed = it->aborted || (it->result && pg_result_is_error(it->result));

    if (it->parsing) {
        it->parsing = false;
        if (failed)
            forget(l, it);
        else
            drop_result(it);
        return;
    }
    if (it->executed)
        return;
    it->executed = true;
    it->stale = !it->aborted && failed && is_stale(l, it);
    if (l->kind == LANE_WRITE)
        return;
    l->at_sync = it->ends_batch;
    finish(l, it, now_us);
}

static void on_sync(struct lane *l, uint64_t now_us)
{
    struct list *head = list_first(&l->sent);

    l->syncs--;
    if (l->at_sync || head == NULL)
        l->at_sync = false;
    else
        finish(l, LIST_OF(head, struct lane_item, link), now_us);
}

/* At a sync nothing else counts: an error that comes with it is about a transaction in which nothing was written. */
static void take(struct lane *l, PGresult *res, uint64_t now_us)
{
    struct list *head = list_first(&l->sent);

    if (res && PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
        PQclear(res);
        on_sync(l, now_us);
    } else if (l->at_sync || head == NULL) {
        PQclear(res);
    } else if (res) {
        keep(LIST_OF(head, struct lane_item, link), res);
    } else {
        step_over(l, LIST_OF(head, struct lane_item, link), now_us);
    }
}

void lane_on_input(struct lane *l)
{
    struct pg_conn *c = l->conn;
    uint64_t now_us = clock_monotonic_us();

    while (c->lane == l && c->pq && (l->syncs > 0 || !list_is_empty(&l->sent)) && !PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if ((res == NULL && PQstatus(c->pq) != CONNECTION_OK) || pg_result_is_copy(res)) {
            PQclear(res);
            pg_conn_break(c, c->broken[0] ? c->broken : PQerrorMessage(c->pq));
            return;
        }
        bool is_over = res && pg_result_is_fatal(res);
        take(l, res, now_us);
        if (is_over && c->lane == l && c->pq) {
            conn_take_leave(c);
            return;
        }
    }
    if (c->lane == l && c->pq)
        lane_settle(l);
}
