#ifndef PG_POOL_H
#define PG_POOL_H
/* The connections of one worker to Postgres, non-blocking. Each connection is on exactly one list, named by its status.
 * First come, first served: whoever cannot have a connection stands in a line with a length and a deadline. */
#include "base/counter.h"
#include "base/limits.h"
#include "base/wheel.h"
#include "pg/defer.h"
#include "pg/error.h"
#include "pg/result/result.h"
#include <uv.h>

struct pool;
struct pg_conn; /* a borrowed connection */

struct pool_counts { /* since the start; may lie in memory that other processes read */
    struct counter acquired, line_full, waited, leaked, connects, connect_failures, lost;
    struct times wait; /* for a connection of one's own */
};

struct pool_opts {
    uv_loop_t *loop;     /* borrowed */
    struct wheel *wheel; /* borrowed */
    const char *url;     /* libpq URI or keywords; copied */
    unsigned min, max;   /* of this worker */
    unsigned line_max;
    uint64_t acquire_ms;   /* DB_ACQUIRE_TIMEOUT */
    uint64_t statement_ms; /* DB_STATEMENT_TIMEOUT: statement_timeout of the session, and ours half a second later */
    uint64_t connect_ms;   /* 5 s */
    uint64_t recycle_ms;   /* DB_POOL_RECYCLE */
    uint64_t ping_idle_ms; /* 30 s: ping before use when idle for longer; 0: never */
    bool prepared;         /* DB_PREPARED */
    bool pipeline;         /* DB_PIPELINE: statements of different callers share connections; needs `prepared` */
    /* Writes share a connection, too. A write waits until its commit is on the disk: on one connection flush follows flush,
     * of several the server makes one (8,100 inserts a second against 4,100). So it pays where commits don't wait
     * (synchronous_commit = off) or connections are few. */
    bool write_lane;
    uint64_t listen_ping_ms; /* 0: LISTEN_PING_MS */
    const char *application_name;
    struct pool_counts *counts; /* borrowed; NULL: memory of its own */
};

struct pool_status { /* gauges now, and counts since the start */
    unsigned size, idle, busy, waiting, max, connecting;
    bool available; /* the last attempt to connect, or a live connection, says so */
    uint64_t acquired, line_full, waited, leaked, connects, connect_failures, lost;
    char last_error[512];
};

/* A connection string that is wrong shows as last_error: nothing here fails at once. */
struct pool *pool_new(const struct pool_opts *opts); /* starts to open `min` connections */
void pool_status(const struct pool *p, struct pool_status *out);
const struct pool_counts *pool_counts(const struct pool *p);
/* Waits for busy ones up to the caller's patience: connections close as they are released; on_closed(arg) at the end. */
void pool_close(struct pool *p, void (*on_closed)(void *arg), void *arg);

/* Calls it at the next turn of the loop, once however often it is asked for; defer_drop takes it back. */
void pool_later(struct pool *p, struct deferred *call);

/* ---- borrowing ---- */
struct pool_wait; /* embedded by the caller; must live until the callback or pool_wait_cancel */
typedef void (*pool_acquire_fn)(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err);
struct pool_wait {
    struct list link;
    struct wheel_timer deadline;
    struct pool *pool;
    pool_acquire_fn fn;
    void *arg;
    uint64_t since_us;          /* in the line; clock_monotonic_us */
    bool waiting;               /* until the callback */
    struct pg_conn *conn;       /* granted, to be told at the next turn */
    enum pg_error_kind refused; /* likewise */
};
/* fn is called exactly once, never from inside this call: with a connection, or with NULL and an error. */
void pool_acquire(struct pool *p, struct pool_wait *w, pool_acquire_fn fn, void *arg);
void pool_wait_cancel(struct pool_wait *w); /* no callback will come; fine when it is over */
/* One that is free right now, when nobody stands in the line; else NULL. */
struct pg_conn *pool_try_acquire(struct pool *p);
/* Back to the pool. An open transaction is rolled back first, counted as leaked and logged with `where` (a Lua file:line,
 * may be NULL); a statement that still runs is cancelled. A broken connection is closed. */
void pg_conn_release(struct pg_conn *c, const char *where);
void pg_conn_rollback(struct pg_conn *c); /* likewise, and its open transaction is rolled back on purpose */
void pg_conn_forget(struct pg_conn *c);   /* cancels what runs without a callback; the borrower keeps it to release it */
void pg_conn_retire(struct pg_conn *c);   /* likewise, and then it is closed: its session is used up */

/* ---- statements ---- */
struct pg_statement {
    struct slice sql;
    uint64_t hash;             /* of sql, by statement_hash; 0: nobody has computed it */
    int n;                     /* parameters, 0..65535 */
    const char *const *values; /* text, NUL-terminated; NULL is SQL NULL */
    const int *lengths;        /* of each, to find NULs inside */
};
typedef void (*pg_result_fn)(struct pg_result *res, const struct pg_error *err,
                             void *arg); /* one of both is NULL; res is taken */

/* One at a time on one connection. fn is called exactly once, never from inside this call. The statement's bytes are
 * copied; it is sent at the end of the loop's turn. Prepared by text and cached; prepared again once on 26000 and 0A000
 * outside of a transaction. */
void pg_conn_query(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg);
/* Several statements in one text, no parameters, the last result: migrations, BEGIN, COMMIT. Never prepared. */
void pg_conn_script(struct pg_conn *c, struct slice sql, pg_result_fn fn, void *arg);
/* All of them in one round trip, in libpq's pipeline mode. Outside of a transaction they are one of their own: all are done
 * or none. fn gets the rows of the last one; pg_conn_batch_take gives those before, until the next statement. */
void pg_conn_batch(struct pg_conn *c, const struct pg_statement *sts, unsigned n, pg_result_fn fn, void *arg);
struct pg_result *pg_conn_batch_take(struct pg_conn *c, unsigned i); /* taken; i < n - 1 */
unsigned pg_conn_batch_failed(const struct pg_conn *c);              /* whose error it was that fn got */
/* One statement whose answer may be larger than memory: rows, or the data of COPY ... TO STDOUT. on_part is called with a
 * part to be taken from the connection; nothing more is read until pg_conn_more. fn comes at the end, with a result
 * without rows, or with an error, also after parts. The deadline is for each part. pg_conn_cancel ends it early. */
typedef void (*pg_part_fn)(void *arg);
void pg_conn_stream(struct pg_conn *c, const struct pg_statement *st, pg_part_fn on_part, pg_result_fn fn, void *arg);
struct pg_result *pg_conn_take_rows(struct pg_conn *c);  /* taken; NULL: the part has none */
struct slice pg_conn_view_data(const struct pg_conn *c); /* whole rows, until pg_conn_drop_data */
void pg_conn_drop_data(struct pg_conn *c);
void pg_conn_more(struct pg_conn *c);
/* COPY ... FROM STDIN. on_ready asks for data, which one call of pg_conn_copy_put (then on_ready comes again) or
 * pg_conn_copy_end must answer, whenever it likes. fn comes at the end, with the count of rows, or early with an error. */
void pg_conn_copy_in(struct pg_conn *c, struct slice sql, pg_part_fn on_ready, pg_result_fn fn, void *arg);
int pg_conn_copy_columns(const struct pg_conn *c);
void pg_conn_copy_put(struct pg_conn *c, struct slice bytes);
void pg_conn_copy_end(struct pg_conn *c, struct slice last);
/* Lifts the session's own statement_timeout, which would count the time that its reader takes. It is set back when the
 * connection is released. */
void pg_conn_lift_timeout(struct pg_conn *c, pg_result_fn fn, void *arg);
/* Asks Postgres to cancel what runs (on the thread pool); the query's callback comes with PG_CANCELLED. */
void pg_conn_cancel(struct pg_conn *c);
/* One statement on any connection: borrows it, sends, gives it back, then calls fn. What was not sent because its
 * connection turned out to be dead is sent on another. Where is kept for the log. */
struct pool_query;
struct pool_query *pool_query(struct pool *p, const struct pg_statement *st, const char *where, pg_result_fn fn, void *arg);
struct pool_query *pool_script(struct pool *p, struct slice sql, const char *where, pg_result_fn fn, void *arg);
/* True: it stood in the line and no callback will come. False: the callback will come soon. Not after the callback. */
bool pool_query_cancel(struct pool_query *q);

/* What the caller says of a statement: nothing, that it only reads, that it writes (both may be wrong: the server finds
 * out), or that it wants a connection of its own. */
enum pool_word { POOL_ANY, POOL_READS, POOL_WRITES, POOL_OWN };
/* Likewise, on a connection that it may share with others (pg/lane.h) when it is known to be quick. There it cannot be
 * cancelled on the server: pool_query_cancel says true, and its answer is dropped when it comes. */
struct pool_query *pool_query_shared(struct pool *p, enum pool_word word, const struct pg_statement *st, const char *where,
                                     pg_result_fn fn, void *arg);
/* A statement ran in a batch, in about so much time: it is known from now on. */
void pool_learn(struct pool *p, const struct pg_statement *st, uint64_t us, size_t bytes);

enum pg_tx_status { PG_TX_IDLE, PG_TX_ACTIVE, PG_TX_OPEN, PG_TX_FAILED, PG_TX_UNKNOWN };
enum pg_tx_status pg_conn_tx_status(const struct pg_conn *c);
/* By the last statement, the transaction that it began in; another may be open now. */
bool pg_conn_tx_was_ended(const struct pg_conn *c);
/* The statement deadline of this connection until it is released; 0: none. The session's own statement_timeout is the
 * caller's business. */
void pg_conn_set_deadline(struct pg_conn *c, uint64_t ms);
int pg_conn_backend_pid(const struct pg_conn *c);
#endif
