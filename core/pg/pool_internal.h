#ifndef PG_POOL_INTERNAL_H
#define PG_POOL_INTERNAL_H
/* The pool from inside. Each connection is on the list `on[c->status]`, and only pool_move changes that. A waiter is on
 * `line`, then on `due` with its connection or refusal until it is told. */
#include "base/clock.h"
#include "pg/conn.h"
#include "pg/history.h"
#include "pg/lane.h"
#include "pg/listen.h"
#include "pg/silence.h"
#include "pg/result/shape.h"
#include <assert.h>

enum {
    POOL_CONNECTING_MAX = CONN_LOOKUPS_MAX, /* at a time: each is a fork in the server */
    POOL_BACKOFF_MS = 100,                  /* doubled with each failure */
    POOL_BACKOFF_MAX_MS = 5000,
    POOL_BACKOFF_ASKED_MS = 250,  /* while callers ask for connections and are refused */
    POOL_BACKOFF_LINE_MS = 1000,  /* while they wait for those that there are: the server may just be full */
    POOL_TEND_MS = 5000,          /* how often the idle ones are looked at */
    POOL_SHRINK_IDLE_MS = 300000, /* above min and idle for so long: closed */
    POOL_COMPLAIN_MS = 30000,     /* one log line in so long while the database is away */
    POOL_TRUST_US = 1000,         /* given back or looked at so recently: not worth a system call to see whether it lives */
    POOL_LOOK_MAX = 32,           /* idle connections that are looked at together */
    PING_MS = 1000,
    COPY_KEPT_MAX = 65536, /* bytes of a statement's copy that an idle connection may hold on to */
};

struct pool {
    struct pool_opts opts; /* its strings owned */
    struct conn_opts conn_opts;
    struct shape_cache shapes;
    struct cancel_gate cancels;
    struct silence silence;
    struct defer defer;
    struct list on[CONN_STATUSES];
    unsigned count[CONN_STATUSES];
    unsigned alive; /* connections whose memory is not freed yet */
    struct list line, due;
    unsigned waiting; /* in the line */
    struct deferred tell_due;
    struct wheel_timer retry; /* set: no connecting before it fires */
    uv_timer_t tend;
    unsigned failures; /* in a row; 0 after a success */
    bool was_up;       /* had a connection at all */
    uint64_t complained_ms;
    bool closing;
    struct history history;
    struct list spare_queries; /* pool_query.c's */
    unsigned spare_query_count;
    struct lane lanes[LANES];
    struct listen listen;
    uv_prepare_t turn; /* runs when something is to be flushed to a lane */
    uv_prepare_cb on_turn;
    struct deferred close_late;
    unsigned handles; /* not closed yet */
    void (*on_closed)(void *arg);
    void *closed_arg;
    struct pool_counts *counts, own_counts;
    char last_error[CONN_BROKEN_MAX];
};

static inline uint64_t pool_now(const struct pool *p)
{
    return uv_now(p->opts.loop);
}
/* Connections that answer queries, or will in a moment. */
static inline unsigned pool_live(const struct pool *p)
{
    return p->count[CONN_IDLE] + p->count[CONN_BUSY] + p->count[CONN_LANE];
}
static inline unsigned pool_size(const struct pool *p)
{
    return pool_live(p) + p->count[CONN_CONNECTING];
}

static inline uint64_t pool_idle_us(const struct pg_conn *c, uint64_t now_us)
{
    return now_us - c->idle_since_us;
}

/* ---- pool.c ---- */
void pool_move(struct pool *p, struct pg_conn *c, enum conn_status to);
void pool_discard(struct pool *p, struct pg_conn *c); /* closes it */
void pool_grow(struct pool *p);                       /* opens what is missing, as far as it may now */
void pool_gone(struct pool *p);                       /* the memory of one that was counted in `alive` goes */
uint64_t pool_backoff_ms(unsigned failures);          /* after so many in a row, with jitter */

/* ---- pool_query.c ---- */
/* The one that this statement should go to now; NULL: to a connection of its own. */
struct lane *pool_find_lane(struct pool *p, enum pool_word word, const struct pg_statement *st);
void pool_queries_free(struct pool *p); /* those that wait to be used again */

/* ---- pool_line.c ---- */
struct pg_conn *pool_try_acquire_at(struct pool *p, uint64_t now_us); /* for who has just looked at the clock */
void pool_line_init(struct pool *p);
void pool_serve_line(struct pool *p);  /* idle connections to those who wait, in their order */
void pool_refuse_line(struct pool *p); /* PG_UNAVAILABLE to all of it */

/* ---- pool_release.c ---- */
void pool_ping(struct pool *p, struct pg_conn *c); /* idle for too long to be trusted; busy until it has answered */
#endif
