#ifndef PG_LANE_H
#define PG_LANE_H
/* A connection of the pool that statements of different requests share, in libpq's pipeline mode. The pool has two lanes
 * for reads, whose session is read-only, and one for writes.
 *
 * What is sent in one turn of the loop to a read lane shares one sync, and so one system call and one implicit
 * transaction: when one of them fails the server skips those behind it, and they are sent again alone, which is safe
 * since nothing was written. On the write lane each statement has its own sync, and is done only when that came back.
 *
 * Life: closed -> opening (a connection is borrowed, its session set up) -> open -> leaving (set back) -> closed. A lane
 * with nothing under way gives its connection back when others wait for one, when it was not used for a while, and when
 * the connection is worn or old. Nothing on a lane is ever cancelled: a neighbour could be hit. */
#include "base/list.h"
#include "pg/pool.h"

enum lane_kind { LANE_READ, LANE_WRITE };
enum lane_state { LANE_CLOSED, LANE_OPENING, LANE_OPEN, LANE_LEAVING };

enum {
    LANES = 3, /* two that read, one that writes */
    LANE_DEPTH_MAX = 1024,
    LANE_SPREAD_DEPTH = 192,          /* so deep on the first read lane, and the second one is used */
    LANE_STATEMENT_BYTES_MAX = 65536, /* more goes on a connection of its own: it would hold up the others */
    LANE_TRIES_MAX = 3,
    LANE_POOL_MIN = 3,        /* a pool of fewer connections has none to spare for lanes */
    LANE_SECOND_POOL_MIN = 8, /* so many, and there is a second one for reads */
};

enum lane_end {
    LANE_DONE,
    LANE_ELSEWHERE, /* it was not run here, or all that it did was undone: to be sent on another connection */
};

struct lane;
struct lane_item;
/* From a loop callback, exactly once. One of res and err is NULL with LANE_DONE, both with LANE_ELSEWHERE. */
typedef void (*lane_fn)(struct lane_item *it, enum lane_end end, struct pg_result *res, const struct pg_error *err);

struct lane_item { /* embedded by its owner; must live until the callback */
    struct list link;
    const struct pg_statement *st; /* borrowed until the callback */
    uint64_t hash;                 /* of its text */
    lane_fn fn;
    PGresult *result; /* owned */
    uint64_t sent_us, answered_us;
    uint64_t batch;
    unsigned number; /* what it is prepared under by the Parse that was sent with it */
    bool parsing;    /* the answer to that Parse is still to come */
    bool executed;   /* all answers but the sync's are there */
    bool ends_batch; /* a sync was sent behind it */
    bool aborted;    /* a neighbour failed */
    bool stale;      /* its plan was */
    unsigned tries;
};

struct lane {
    struct pool *pool;
    struct pg_conn *conn; /* borrowed from the pool; NULL: closed */
    enum lane_kind kind;
    enum lane_state state;
    bool unsynced; /* something was sent behind the last sync */
    bool at_sync;  /* the answers of a batch are all there, but its sync's */
    bool overdue;  /* the server gave no answer at all for too long */
    unsigned depth, syncs;
    uint64_t batch, began_us, answered_us; /* began: the first statement of the present batch */
    struct list sent;                      /* in the order of their answers */
    struct list again;                     /* to be sent again, each with a sync of its own */
};

/* ---- lane.c ---- */
void lanes_init(struct pool *p);
/* For a statement that does this; opens one that is closed. NULL: none can take it now. */
struct lane *lane_pick(struct pool *p, enum lane_kind kind);
void lane_settle(struct lane *l);      /* after answers: whether it may stay as it is */
void lane_lost(struct lane *l);        /* its connection broke */
void lane_on_deadline(struct lane *l); /* of its connection */
void lanes_make_room(struct pool *p);  /* others wait for a connection */
void lanes_tend(struct pool *p);       /* every few seconds */
void lanes_close(struct pool *p);
unsigned lanes_busy(const struct pool *p); /* how many have something under way */

/* ---- lane_send.c ---- */
/* False: the connection does not take it, and nothing was sent. */
bool lane_send(struct lane *l, struct lane_item *it);
void lanes_flush(struct pool *p); /* at the end of a turn */

/* ---- lane_result.c ---- */
void lane_on_input(struct lane *l);

static inline bool lane_is_idle(const struct lane *l)
{
    return l->depth == 0 && l->syncs == 0 && !l->unsynced;
}
#endif
