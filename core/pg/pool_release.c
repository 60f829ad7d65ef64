#include "base/log.h"
#include "pg/pool_internal.h"
#include <stdio.h>
#include <stdlib.h>

/* What a connection needs before the next one may have it. It stays busy meanwhile. */
static void clean(struct pool *p, struct pg_conn *c);

static void give_back(struct pool *p, struct pg_conn *c)
{
    if (p->closing || !pg_conn_is_open(c) || c->worn || pool_now(p) >= c->retire_ms) {
        pool_discard(p, c);
    } else {
        pool_move(p, c, CONN_IDLE);
        pool_serve_line(p);
    }
    pool_grow(p);
}

static void on_cleaned(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;

    pg_result_free(res);
    if (err)
        pg_conn_shut(c, err->message);
    clean(c->owner, c);
}

/* DISCARD ALL has forgotten the prepared statements too. Where the session's settings had to be sent as SET, they went
 * with the rest, and the connection is of no more use. */
static void on_discarded(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;

    statement_cache_free(&c->cache);
    c->cache.discarded_count = 0;
    c->touched = c->lifted = false;
    c->worn |= c->opts->plain_startup;
    on_cleaned(res, err, c);
}

/* Not noted as a touch of the session: it is undone by its opposite, which leaves the prepared statements alone. */
static void set_timeout(struct pg_conn *c, uint64_t ms, pg_result_fn fn, void *arg)
{
    char sql[64];
    bool touched = c->touched;

    snprintf(sql, sizeof sql, "SET statement_timeout = %llu", (unsigned long long)ms);
    pg_conn_script(c, slice_str(sql), fn, arg);
    c->touched = touched;
}

void pg_conn_lift_timeout(struct pg_conn *c, pg_result_fn fn, void *arg)
{
    c->lifted = true;
    set_timeout(c, 0, fn, arg);
}

static void on_pinged(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;
    struct pool *p = c->owner;

    pg_result_free(res);
    if (err) {
        counter_add(&p->counts->lost, 1);
        pg_conn_shut(c, err->message);
    }
    give_back(p, c);
}

void pool_ping(struct pool *p, struct pg_conn *c)
{
    pool_move(p, c, CONN_BUSY);
    pg_conn_set_deadline(c, PING_MS);
    pg_conn_script(c, SLICE_LIT("SELECT 1"), on_pinged, c);
    pg_conn_set_deadline(c, p->opts.statement_ms);
}

static void report_leak(struct pool *p, struct pg_conn *c)
{
    struct log_line l;

    counter_add(&p->counts->leaked, 1);
    if (log_begin(&l, LOG_WARN, "pool", "a transaction was left open and is rolled back")) {
        log_str(&l, "where", c->where[0] ? c->where : NULL);
        log_int(&l, "backend_pid", pg_conn_backend_pid(c));
        log_end(&l);
    }
}

static void clean(struct pool *p, struct pg_conn *c)
{
    switch (pg_conn_tx_status(c)) {
    case PG_TX_OPEN:
    case PG_TX_FAILED:
        if (!c->rollback_expected)
            report_leak(p, c);
        c->rollback_expected = true;
        pg_conn_script(c, SLICE_LIT("ROLLBACK"), on_cleaned, c);
        return;
    case PG_TX_IDLE:
        if (c->touched && !c->worn) {
            pg_conn_script(c, SLICE_LIT("DISCARD ALL"), on_discarded, c);
            return;
        }
        if (c->lifted && !c->worn) {
            c->lifted = false;
            set_timeout(c, p->opts.statement_ms, on_cleaned, c);
            return;
        }
        if (c->cache.discarded_count < DISCARDED_DUE)
            break;
        pg_conn_script(c, buf_view(&c->cache.discarded), on_cleaned, c);
        statement_discarded_done(&c->cache);
        return;
    default:
        pg_conn_shut(c, "given back in an unknown state");
    }
    if (c->copy.cap > COPY_KEPT_MAX)
        statement_copy_free(&c->copy);
    give_back(p, c);
}

/* The borrower is gone while its statement runs: whatever comes, nobody wants it. */
static void on_abandoned(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;

    (void)err;
    pg_result_free(res);
    clean(c->owner, c);
}

static void on_forgotten(struct pg_result *res, const struct pg_error *err, void *arg)
{
    (void)err;
    (void)arg;
    pg_result_free(res);
}

void pg_conn_forget(struct pg_conn *c)
{
    if (c->fn == NULL)
        return;
    c->fn = on_forgotten;
    c->arg = NULL;
    pg_conn_cancel(c);
}

static void release(struct pool *p, struct pg_conn *c)
{
    pg_conn_set_deadline(c, p->opts.statement_ms);
    if (c->fn) {
        c->fn = on_abandoned;
        c->arg = c;
        pg_conn_cancel(c);
        return;
    }
    if (!pg_conn_is_open(c))
        counter_add(&p->counts->lost, 1);
    clean(p, c);
}

void pg_conn_release(struct pg_conn *c, const char *where)
{
    struct pool *p = c->owner;

    assert(c->status == CONN_BUSY);
    c->where[0] = '\0';
    if (where && *where)
        snprintf(c->where, sizeof c->where, "%s", where);
    c->rollback_expected = false;
    release(p, c);
}

void pg_conn_rollback(struct pg_conn *c)
{
    assert(c->status == CONN_BUSY);
    c->rollback_expected = true;
    release(c->owner, c);
}

void pg_conn_retire(struct pg_conn *c)
{
    c->worn = true;
    pg_conn_rollback(c);
}
