#include "base/log.h"
#include "base/random.h"
#include "pg/pool_internal.h"
#include <poll.h>

static void tell(struct pool *p, struct pool_wait *w)
{
    struct pg_error err;
    struct pg_conn *c = w->conn;

    list_remove(&w->link);
    w->waiting = false;
    w->conn = NULL;
    switch (w->refused) {
    case PG_OK:
        w->fn(w, c, NULL);
        return;
    case PG_LINE_FULL:
        pg_error_set(&err, PG_LINE_FULL, "the line for a database connection is full (%u)", p->opts.line_max);
        break;
    case PG_WAITED:
        pg_error_set(&err, PG_WAITED, "no database connection became free within %llu ms",
                     (unsigned long long)p->opts.acquire_ms);
        break;
    default:
        pg_error_set(&err, PG_UNAVAILABLE, "the database is away: %s", p->last_error[0] ? p->last_error : "closing");
    }
    w->fn(w, NULL, &err);
}

/* Only those who are due now: a callback that asks again is told at the turn after this one. */
static void on_tell_due(struct deferred *d)
{
    struct pool *p = LIST_OF(d, struct pool, tell_due);
    struct list now;

    list_init(&now);
    while (!list_is_empty(&p->due)) {
        struct list *n = list_first(&p->due);
        list_remove(n);
        list_push_back(&now, n);
    }
    while (!list_is_empty(&now))
        tell(p, LIST_OF(list_first(&now), struct pool_wait, link));
}

void pool_line_init(struct pool *p)
{
    list_init(&p->line);
    list_init(&p->due);
    deferred_init(&p->tell_due, on_tell_due);
}

static void make_due(struct pool *p, struct pool_wait *w)
{
    list_push_back(&p->due, &w->link);
    defer_call(&p->defer, &p->tell_due);
}

static void leave_line(struct pool *p, struct pool_wait *w)
{
    wheel_clear(p->opts.wheel, &w->deadline);
    list_remove(&w->link);
    p->waiting--;
    times_add(&p->counts->wait, clock_monotonic_us() - w->since_us);
}

static void refuse(struct pool *p, struct pool_wait *w, enum pg_error_kind why)
{
    w->refused = why;
    counter_add(&p->counts->line_full, why == PG_LINE_FULL);
    counter_add(&p->counts->waited, why == PG_WAITED);
    make_due(p, w);
}

void pool_refuse_line(struct pool *p)
{
    while (!list_is_empty(&p->line)) {
        struct pool_wait *w = LIST_OF(list_first(&p->line), struct pool_wait, link);
        leave_line(p, w);
        refuse(p, w, PG_UNAVAILABLE);
    }
}

static bool is_stale(const struct pool *p, const struct pg_conn *c, uint64_t now_us)
{
    return p->opts.ping_idle_ms > 0 && pool_idle_us(c, now_us) >= p->opts.ping_idle_ms * 1000;
}

static bool is_trusted(const struct pg_conn *c, uint64_t now_us)
{
    return now_us - c->idle_since_us <= POOL_TRUST_US || now_us - c->looked_us <= POOL_TRUST_US;
}

/* Asks those that come next whether they have something to say, all by one system call: most likely that the server is
 * gone. That discards them. */
static void look(struct pool *p, uint64_t now_us)
{
    struct pollfd fds[POOL_LOOK_MAX];
    struct pg_conn *conns[POOL_LOOK_MAX];
    nfds_t n = 0;

    for (struct list *l = p->on[CONN_IDLE].next; l != &p->on[CONN_IDLE] && n < POOL_LOOK_MAX; l = l->next) {
        struct pg_conn *c = LIST_OF(l, struct pg_conn, link);
        c->looked_us = now_us;
        fds[n] = (struct pollfd){.fd = PQsocket(c->pq), .events = POLLIN};
        conns[n++] = c;
    }
    if (poll(fds, n, 0) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents != 0 && conns[i]->status == CONN_IDLE)
            pg_conn_on_input(conns[i]);
}

/* An idle connection that can be used at once. */
static struct pg_conn *take_idle(struct pool *p, uint64_t now_us)
{
    while (!list_is_empty(&p->on[CONN_IDLE])) {
        struct pg_conn *c = LIST_OF(list_first(&p->on[CONN_IDLE]), struct pg_conn, link);
        if (is_stale(p, c, now_us))
            return NULL; /* those behind it are older still */
        if (!is_trusted(c, now_us)) {
            look(p, now_us);
            continue;
        }
        pool_move(p, c, CONN_BUSY);
        counter_add(&p->counts->acquired, 1);
        return c;
    }
    return NULL;
}

static void ping_for_those_who_wait(struct pool *p)
{
    unsigned wanted = p->waiting;

    while (wanted-- > 0 && !list_is_empty(&p->on[CONN_IDLE]))
        pool_ping(p, LIST_OF(list_first(&p->on[CONN_IDLE]), struct pg_conn, link));
}

void pool_serve_line(struct pool *p)
{
    while (!list_is_empty(&p->line)) {
        struct pg_conn *c = take_idle(p, clock_monotonic_us());
        struct pool_wait *w;
        if (c == NULL)
            break;
        w = LIST_OF(list_first(&p->line), struct pool_wait, link);
        leave_line(p, w);
        w->refused = PG_OK;
        w->conn = c;
        make_due(p, w);
    }
    ping_for_those_who_wait(p);
}

static void on_deadline(struct wheel_timer *t)
{
    struct pool_wait *w = LIST_OF(t, struct pool_wait, deadline);
    struct pool *p = w->pool;

    leave_line(p, w);
    refuse(p, w, PG_WAITED);
}

/* Callers are asking, so look sooner whether the database is back. */
static void hurry(struct pool *p, unsigned within_ms)
{
    uint64_t now_tick = p->opts.wheel->tick;

    if (!wheel_is_set(&p->retry)) {
        pool_grow(p);
        return;
    }
    if (p->retry.at_tick > now_tick + within_ms / WHEEL_TICK_MS + 1)
        wheel_set(p->opts.wheel, &p->retry, within_ms / 2 + random_u64() % (within_ms / 2));
}

void pool_acquire(struct pool *p, struct pool_wait *w, pool_acquire_fn fn, void *arg)
{
    *w = (struct pool_wait){.pool = p, .fn = fn, .arg = arg, .waiting = true};
    list_init(&w->link);
    wheel_timer_init(&w->deadline, on_deadline);
    if (p->closing || (p->failures > 0 && pool_live(p) == 0)) {
        refuse(p, w, PG_UNAVAILABLE);
        if (!p->closing)
            hurry(p, POOL_BACKOFF_ASKED_MS);
        return;
    }
    if (p->waiting >= p->opts.line_max) {
        refuse(p, w, PG_LINE_FULL);
        return;
    }
    w->since_us = clock_monotonic_us();
    list_push_back(&p->line, &w->link);
    p->waiting++;
    wheel_set(p->opts.wheel, &w->deadline, p->opts.acquire_ms);
    pool_serve_line(p);
    hurry(p, POOL_BACKOFF_LINE_MS);
    if (p->waiting > 0)
        lanes_make_room(p);
}

struct pg_conn *pool_try_acquire(struct pool *p)
{
    return pool_try_acquire_at(p, clock_monotonic_us());
}

struct pg_conn *pool_try_acquire_at(struct pool *p, uint64_t now_us)
{
    struct pg_conn *c;

    if (p->closing || !list_is_empty(&p->line))
        return NULL;
    c = take_idle(p, now_us);
    if (c)
        times_add(&p->counts->wait, 0);
    return c;
}

void pool_wait_cancel(struct pool_wait *w)
{
    struct pg_conn *c = w->conn;

    if (!w->waiting)
        return;
    w->waiting = false;
    if (c) {
        list_remove(&w->link);
        w->conn = NULL;
        pg_conn_release(c, NULL);
    } else if (w->refused != PG_OK) {
        list_remove(&w->link);
    } else {
        leave_line(w->pool, w);
    }
}
