#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "pg/pool_internal.h"
#include <stdio.h>
#include <stdlib.h>

void pool_move(struct pool *p, struct pg_conn *c, enum conn_status to)
{
    if (!list_is_empty(&c->link)) {
        list_remove(&c->link);
        p->count[c->status]--;
    }
    c->status = to;
    p->count[to]++;
    if (to == CONN_IDLE) { /* the last one used is used next: the others can grow old and go */
        c->idle_since_us = clock_monotonic_us();
        list_push_front(&p->on[to], &c->link);
    } else {
        list_push_back(&p->on[to], &c->link);
    }
}

void pool_discard(struct pool *p, struct pg_conn *c)
{
    pool_move(p, c, CONN_CLOSING);
    pg_conn_close(c);
}

static void settle(struct pool *p)
{
    void (*on_closed)(void *) = p->on_closed;
    void *arg = p->closed_arg;

    if (!p->closing || p->alive > 0 || p->handles > 0)
        return;
    pool_queries_free(p);
    shape_cache_free(&p->shapes);
    free((char *)p->opts.url);
    free((char *)p->opts.application_name);
    free(p);
    if (on_closed)
        on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct pool *p = handle->data;

    p->handles--;
    settle(p);
}

static void on_close_late(struct deferred *d)
{
    struct pool *p = LIST_OF(d, struct pool, close_late);

    if (!list_is_empty(&p->defer.due)) {
        defer_call(&p->defer, &p->close_late);
        return;
    }
    uv_close((uv_handle_t *)&p->tend, on_handle_closed);
    uv_close((uv_handle_t *)&p->turn, on_handle_closed);
    defer_close(&p->defer, on_handle_closed);
}

/* After the last connection, and after the last of those who were refused was told. */
static void close_handles_when_empty(struct pool *p)
{
    if (p->closing && p->alive == 0)
        defer_call(&p->defer, &p->close_late);
}

void pool_gone(struct pool *p)
{
    p->alive--;
    close_handles_when_empty(p);
}

static void on_gone(struct pg_conn *c)
{
    struct pool *p = c->owner;

    list_remove(&c->link);
    p->count[c->status]--;
    pool_gone(p);
}

static void complain(struct pool *p, const char *why)
{
    struct log_line l;
    uint64_t now = pool_now(p);
    bool due = p->failures == 1 || now - p->complained_ms >= POOL_COMPLAIN_MS;

    snprintf(p->last_error, sizeof p->last_error, "%s", why);
    if (due)
        p->complained_ms = now;
    if (log_begin(&l, due ? LOG_ERROR : LOG_DEBUG, "pool", "no connection to the database")) {
        log_str(&l, "error", p->last_error);
        log_int(&l, "attempts", p->failures);
        log_int(&l, "live", pool_live(p));
        log_end(&l);
    }
}

/* Full jitter over the upper half, so that many workers do not come back in one wave. */
uint64_t pool_backoff_ms(unsigned failures)
{
    uint64_t ms = failures > 6 ? POOL_BACKOFF_MAX_MS : (uint64_t)POOL_BACKOFF_MS << (failures - 1);

    if (ms > POOL_BACKOFF_MAX_MS)
        ms = POOL_BACKOFF_MAX_MS;
    return ms / 2 + random_u64() % (ms / 2 + 1);
}

static void on_failed(struct pg_conn *c, const char *why)
{
    struct pool *p = c->owner;

    p->failures++;
    counter_add(&p->counts->connect_failures, 1);
    complain(p, why);
    pool_discard(p, c);
    if (p->closing)
        return;
    if (pool_live(p) == 0)
        pool_refuse_line(p);
    wheel_set(p->opts.wheel, &p->retry, pool_backoff_ms(p->failures));
}

/* Up to a tenth earlier, so that connections made together do not end together. */
static uint64_t retire_at(const struct pool *p)
{
    uint64_t after = p->opts.recycle_ms;

    return after == 0 ? UINT64_MAX : pool_now(p) + after - random_u64() % (after / 10 + 1);
}

static void on_opened(struct pg_conn *c)
{
    struct pool *p = c->owner;

    if (!p->was_up)
        log_note(LOG_INFO, "pool", "startup.database", NULL, NULL);
    else if (p->failures > 0)
        log_note(LOG_INFO, "pool", "connected to the database again", NULL, NULL);
    p->was_up = true;
    p->failures = 0;
    counter_add(&p->counts->connects, 1);
    wheel_clear(p->opts.wheel, &p->retry);
    c->retire_ms = retire_at(p);
    pool_move(p, c, CONN_IDLE);
    pool_serve_line(p);
    pool_grow(p);
}

/* While idle: the server went away, or ended this session. */
static void on_died(struct pg_conn *c)
{
    struct pool *p = c->owner;

    if (c->lane) {
        lane_lost(c->lane);
        return;
    }
    if (c->status == CONN_BUSY) /* its borrower finds out with the next statement, or gives it back */
        return;
    counter_add(&p->counts->lost, 1);
    log_note(LOG_WARN, "pool", "an idle connection was lost", "error", c->broken);
    pool_discard(p, c);
    pool_grow(p);
}

static void discard_all(struct pool *p, enum conn_status status)
{
    while (!list_is_empty(&p->on[status]))
        pool_discard(p, LIST_OF(list_first(&p->on[status]), struct pg_conn, link));
}

/* A machine that is gone, or cut off, ends no connection. Those that have answered nothing since then are asked, all at
 * once: found one by one, each would cost somebody the deadline of a statement. */
static void on_silent(struct pg_conn *c, uint64_t ms)
{
    struct pool *p = c->owner;
    struct list *n = p->on[CONN_IDLE].next;
    uint64_t now_us = clock_monotonic_us();

    while (!p->closing && n != &p->on[CONN_IDLE]) {
        struct pg_conn *other = LIST_OF(n, struct pg_conn, link);
        n = n->next;
        if (pool_idle_us(other, now_us) >= ms * 1000)
            pool_ping(p, other);
    }
}

static void wear_out(struct pool *p, enum conn_status status)
{
    for (struct list *n = p->on[status].next; n != &p->on[status]; n = n->next)
        LIST_OF(n, struct pg_conn, link)->worn = true;
}

/* So are all that were made when it was: the idle ones go at once, the others when they are given back. */
static void on_read_only(struct pg_conn *c)
{
    struct pool *p = c->owner;

    log_note(LOG_WARN, "pool", "the database takes no writes here any more: all connections are made anew", "host",
             PQhost(c->pq));
    wear_out(p, CONN_BUSY);
    wear_out(p, CONN_LANE);
    discard_all(p, CONN_IDLE);
    listen_elsewhere(&p->listen);
}

static const struct conn_events events = {on_opened, on_failed, on_died, on_silent, on_read_only, on_gone, NULL};

const struct pool_counts *pool_counts(const struct pool *p)
{
    return p->counts;
}

static bool needs_another(const struct pool *p)
{
    unsigned size = pool_size(p);

    if (size >= p->opts.max)
        return false;
    if (size < p->opts.min || p->waiting > p->count[CONN_CONNECTING])
        return true;
    return size == 0 && p->failures > 0; /* nobody asks: still, find out when the database is back */
}

void pool_grow(struct pool *p)
{
    unsigned connecting_max = p->failures > 0 ? 1 : POOL_CONNECTING_MAX;

    while (!p->closing && !wheel_is_set(&p->retry) && p->count[CONN_CONNECTING] < connecting_max && needs_another(p)) {
        p->alive++;
        pool_move(p, pg_conn_open(&p->conn_opts, &events, p), CONN_CONNECTING);
    }
}

static void on_retry(struct wheel_timer *t)
{
    pool_grow(LIST_OF(t, struct pool, retry));
}

/* From the end of the idle list that was used least. */
static void on_tend(uv_timer_t *timer)
{
    struct pool *p = timer->data;
    uint64_t now = pool_now(p), now_us = clock_monotonic_us();
    struct list *n = p->on[CONN_IDLE].prev;

    while (n != &p->on[CONN_IDLE]) {
        struct pg_conn *c = LIST_OF(n, struct pg_conn, link);
        bool spare = pool_live(p) > p->opts.min && pool_idle_us(c, now_us) > POOL_SHRINK_IDLE_MS * UINT64_C(1000);
        n = n->prev;
        if (spare || now >= c->retire_ms)
            pool_discard(p, c);
    }
    lanes_tend(p);
    pool_grow(p);
}

static void on_turn(uv_prepare_t *turn)
{
    uv_prepare_stop(turn);
    lanes_flush(turn->data);
}

static void take_opts(struct pool *p, const struct pool_opts *opts)
{
    const char *name = opts->application_name ? opts->application_name : "neap";

    p->opts = *opts;
    p->opts.url = mem_dup(opts->url, strlen(opts->url));
    p->opts.application_name = mem_dup(name, strlen(name));
    p->opts.max = opts->max > 0 ? opts->max : 1;
    p->opts.min = opts->min < p->opts.max ? opts->min : p->opts.max;
    p->conn_opts = (struct conn_opts){
        .loop = opts->loop,
        .wheel = opts->wheel,
        .defer = &p->defer,
        .cancels = &p->cancels,
        .silence = &p->silence,
        .shapes = &p->shapes,
        .url = p->opts.url,
        .application_name = p->opts.application_name,
        .connect_ms = opts->connect_ms,
        .statement_ms = opts->statement_ms,
        .prepared = opts->prepared,
    };
}

struct pool *pool_new(const struct pool_opts *opts)
{
    struct pool *p = mem_zalloc(sizeof *p);

    take_opts(p, opts);
    p->counts = opts->counts ? opts->counts : &p->own_counts;
    for (int i = 0; i < CONN_STATUSES; i++)
        list_init(&p->on[i]);
    list_init(&p->spare_queries);
    cancel_gate_init(&p->cancels);
    defer_init(&p->defer, opts->loop);
    p->defer.idle.data = p;
    deferred_init(&p->close_late, on_close_late);
    wheel_timer_init(&p->retry, on_retry);
    uv_timer_init(opts->loop, &p->tend);
    p->tend.data = p;
    uv_timer_start(&p->tend, on_tend, POOL_TEND_MS, POOL_TEND_MS);
    uv_unref((uv_handle_t *)&p->tend);
    uv_prepare_init(opts->loop, &p->turn);
    p->turn.data = p;
    p->on_turn = on_turn;
    p->handles = 3;
    pool_line_init(p);
    lanes_init(p);
    listen_init(&p->listen, p, opts->listen_ping_ms);
    pool_grow(p);
    return p;
}

void pool_status(const struct pool *p, struct pool_status *out)
{
    *out = (struct pool_status){
        .size = pool_size(p),
        .idle = p->count[CONN_IDLE] + p->count[CONN_LANE] - lanes_busy(p),
        .busy = p->count[CONN_BUSY] + lanes_busy(p),
        .waiting = p->waiting,
        .max = p->opts.max,
        .connecting = p->count[CONN_CONNECTING],
        .available = pool_live(p) > 0 || (p->failures == 0 && counter_get(&p->counts->connects) > 0),
        .acquired = counter_get(&p->counts->acquired),
        .line_full = counter_get(&p->counts->line_full),
        .waited = counter_get(&p->counts->waited),
        .leaked = counter_get(&p->counts->leaked),
        .connects = counter_get(&p->counts->connects),
        .connect_failures = counter_get(&p->counts->connect_failures),
        .lost = counter_get(&p->counts->lost),
    };
    memcpy(out->last_error, p->last_error, sizeof out->last_error);
}

void pool_later(struct pool *p, struct deferred *call)
{
    defer_call(&p->defer, call);
}

void pool_close(struct pool *p, void (*on_closed)(void *arg), void *arg)
{
    assert(!p->closing);
    p->closing = true;
    p->on_closed = on_closed;
    p->closed_arg = arg;
    wheel_clear(p->opts.wheel, &p->retry);
    uv_timer_stop(&p->tend);
    pool_refuse_line(p);
    discard_all(p, CONN_CONNECTING);
    discard_all(p, CONN_IDLE);
    lanes_close(p);
    listen_close(&p->listen);
    close_handles_when_empty(p);
}
