#ifndef PG_CONN_H
#define PG_CONN_H
/* One connection from inside the ring: how it is opened, watched, used and closed. The pool is its owner and hears of
 * it through conn_events; borrowers see only what pool.h declares.
 *
 * Life: pg_conn_open -> (on_opened | on_failed) ; after on_opened statements one at a time ; on_died when it breaks while
 * no statement runs (else the statement's callback tells) ; pg_conn_close at any time ; on_gone when its last handle is
 * closed, and then its memory is freed. After on_failed and on_died the owner still has to close it. */
#include "pg/cancel.h"
#include "pg/defer.h"
#include "pg/pool.h"
#include "pg/statement.h"

struct connect_job;
struct lane;
struct silence;
struct conn_batch;
struct socket_watch;

struct conn_opts { /* shared by the connections of one pool, owned by it */
    uv_loop_t *loop;
    struct wheel *wheel;
    struct defer *defer;
    struct cancel_gate *cancels;
    struct silence *silence; /* servers that did not answer lately */
    const char *url, *application_name;
    uint64_t connect_ms, statement_ms;
    bool prepared;
    unsigned plans;             /* counted up when a table has changed: what was prepared before is to be prepared anew */
    unsigned lookups;           /* under way, also those that nobody waits for any more */
    struct shape_cache *shapes; /* NULL: none */
    uint64_t read_only_ms;      /* when a server was last found to take no writes; uv_now, 0: never */
    bool standby_wanted;        /* target_session_attrs asks for servers that take none */
    bool plain_startup;         /* learned: a pooler in between refuses `options`, so settings are sent as SET */
};

struct conn_events {
    void (*on_opened)(struct pg_conn *c);
    void (*on_failed)(struct pg_conn *c, const char *why);
    void (*on_died)(struct pg_conn *c);
    void (*on_silent)(struct pg_conn *c, uint64_t ms); /* its server answers nothing, for so long; it breaks now */
    void (*on_read_only)(struct pg_conn *c);           /* its server takes no writes any more; it stays as it is */
    void (*on_gone)(struct pg_conn *c);                /* its memory goes now */
    /* A message of a channel. NULL: they are thrown away. */
    void (*on_notify)(struct pg_conn *c, struct slice channel, struct slice payload);
};

enum conn_status { CONN_CONNECTING, CONN_IDLE, CONN_BUSY, CONN_LANE, CONN_CLOSING, CONN_STATUSES };
enum conn_step {
    STEP_NONE,
    STEP_SCRIPT,
    STEP_UNPREPARED,
    STEP_PREPARE,
    STEP_EXECUTE,
    STEP_BATCH,
    STEP_STREAM,
    STEP_COPY_IN,
    STEP_TYPES
};
enum conn_stop { STOP_NONE, STOP_CANCELLED, STOP_DEADLINE, STOP_FAULT };

enum {
    CONN_LOOKUPS_MAX = 3, /* each holds a thread of the pool's four for as long as the resolver hangs */
    CONN_BROKEN_MAX = 512,
    CONN_OVERTIME_MS = 500,        /* the server's own statement_timeout comes first; this is for when it does not */
    CONN_STOP_GRACE_MS = 1000,     /* for the answer to a cancel request, then the connection is dropped */
    CONN_BYTES_KEPT_MAX = 1 << 20, /* libpq's buffers never shrink: one bigger message and the connection is replaced */
};

/* Of a statement whose answer comes in parts: the one that is being gathered, or waits to be taken. */
struct conn_stream {
    pg_part_fn on_part; /* NULL: nobody wants them any more */
    PGresult *rows;     /* owned */
    struct buf data;    /* of COPY */
    size_t bytes;       /* of either */
    struct deferred more;
    int columns;  /* of COPY FROM STDIN */
    bool copying; /* the data of a COPY is under way */
    bool paused;  /* a part is with the owner, and the socket is not read */
    bool ended;   /* that was the last one */
};

struct pg_conn {
    /* the owner's */
    struct list link;
    enum conn_status status; /* names the list that it is on */
    void *owner;
    uint64_t idle_since_us, looked_us, retire_ms; /* all monotonic */
    char where[96];                               /* who left a transaction open */
    bool rollback_expected;                       /* whoever gave it back knows */
    struct lane *lane;                            /* set: in pipeline mode, and what comes in is for it */

    struct conn_opts *opts;
    const struct conn_events *events;
    PGconn *pq;                 /* owned; NULL once it is closed */
    struct socket_watch *watch; /* owned; NULL while no socket is watched */
    struct connect_job *job;    /* owned; NULL once it is open */
    struct wheel_timer deadline;
    struct deferred late;
    struct deferred sending; /* due: the statement is begun and goes out at the end of this turn, by `send` */
    void (*send)(struct pg_conn *c);
    unsigned holds; /* handles and thread work that must end before the memory is freed */
    bool closing, opened;
    bool unreplicated;            /* the commit is done here, but the server gave up waiting for its standby */
    uint64_t opened_ms;           /* uv_now */
    bool touched;                 /* something is left in its session, see session.h */
    bool lifted;                  /* the session's statement_timeout, by pg_conn_lift_timeout */
    bool worn;                    /* not to be used by another; see CONN_BYTES_KEPT_MAX */
    bool fatal;                   /* the server said good bye in a notice */
    char broken[CONN_BROKEN_MAX]; /* why it broke; "" while it is fine */

    /* the statement that runs */
    pg_result_fn fn; /* NULL: none runs */
    void *arg;
    const struct pg_statement *st; /* borrowed from `copy` or from the caller */
    struct statement_copy copy;
    struct prepared *prepared; /* borrowed from the cache; what is being executed */
    enum conn_step step;       /* NONE: the answer is complete */
    enum conn_stop stop;       /* why it should end before its own end */
    const char *fault;         /* literal; of STOP_FAULT */
    PGresult *result;          /* owned */
    struct conn_batch *batch;  /* owned; of STEP_BATCH, with its results until the next statement */
    struct conn_stream stream; /* of STEP_STREAM */
    bool types_asked;          /* for this statement */
    bool retried;
    bool unsent; /* the statement itself was not handed to libpq: it can be sent elsewhere */
    bool was_in_tx;
    bool tx_ended;         /* by this statement; another may have begun since */
    bool rolled_back;      /* likewise, or to a savepoint: their tags are the same */
    uint64_t statement_ms; /* 0: no deadline */
    uint64_t begun_ms;     /* uv_now */
    struct cancel_job *cancel;
    struct wheel_timer cancel_again;
    struct statement_cache cache;
    unsigned plans; /* opts->plans when the cache was last looked at */
};

/* ---- conn.c ---- */
struct pg_conn *pg_conn_open(struct conn_opts *opts, const struct conn_events *events, void *owner);
void pg_conn_close(struct pg_conn *c); /* may be called twice; no callback but on_gone comes after it */
void pg_conn_hold(struct pg_conn *c);
void pg_conn_drop_hold(struct pg_conn *c);
void pg_conn_watch(struct pg_conn *c, int events);      /* of libuv, on the socket that libpq has now */
void pg_conn_hang_up(struct pg_conn *c);                /* closes the socket */
void pg_conn_shut(struct pg_conn *c, const char *why);  /* likewise, for good; tells nobody */
void pg_conn_break(struct pg_conn *c, const char *why); /* from a loop callback only: shuts it and tells who must know */
bool pg_conn_is_open(const struct pg_conn *c);
/* Whether bytes or an end of stream wait in the socket of an idle connection: it must be looked at before it is used. */
bool pg_conn_has_input(const struct pg_conn *c);

/* ---- conn_connect.c ---- */
void connect_start(struct pg_conn *c);
void connect_free(struct pg_conn *c);
/* From a loop callback only: */
void connect_step(struct pg_conn *c);    /* the socket is ready */
void connect_overdue(struct pg_conn *c); /* no answer in time */
void connect_late(struct pg_conn *c);    /* it failed at once, which is told now */

/* ---- conn_query.c ---- */
/* Like pg_conn_query, but st and its bytes must stay until the callback. */
void pg_conn_run(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg);
void pg_conn_on_deadline(struct pg_conn *c);
void pg_conn_send_statement(struct pg_conn *c); /* at once; again when it is prepared now, or must be anew */
bool pg_conn_flush(struct pg_conn *c);          /* as far as the socket takes it; false: pg_conn_fail_late was called */
void pg_conn_fail_late(struct pg_conn *c, const char *why); /* shuts it; those who must know are told at the next turn */

/* What was begun is sent at the end of the loop's turn, with what the other connections have by then: one waking of the
 * server's processes after the other costs more than all at once, and the caches stay with one kind of work at a time. */
void pg_conn_send_late(struct pg_conn *c, void (*send)(struct pg_conn *c));
void conn_on_sending(struct deferred *d);
void pg_conn_begin(struct pg_conn *c, const struct pg_statement *st, pg_result_fn fn, void *arg);
void pg_conn_refuse(struct pg_conn *c, const char *fault); /* what was begun; told at the next turn */

/* ---- conn_batch.c ---- */
void conn_batch_read(struct pg_conn *c);
void conn_batch_free(struct conn_batch *b);                             /* NULL is fine */
unsigned conn_batch_count(const struct pg_conn *c);                     /* 0: it was none */
const PGresult *conn_batch_result(const struct pg_conn *c, unsigned i); /* borrowed; NULL: it has none */

/* ---- conn_stream.c ---- */
void conn_stream_send(struct pg_conn *c);
void conn_stream_read(struct pg_conn *c);
void conn_stream_stop(struct pg_conn *c);  /* nobody wants the rest */
void conn_stream_reset(struct pg_conn *c); /* the statement is over */
void conn_stream_on_more(struct deferred *d);

/* ---- conn_copy.c ---- */
void conn_copy_on_input(struct pg_conn *c);
void conn_copy_on_flushed(struct pg_conn *c);
void conn_copy_stop(struct pg_conn *c, enum conn_stop why);

/* ---- conn_types.c ---- */
/* True: the server is asked for the types in its results; pg_conn_finish comes again when they are known. */
bool conn_types_ask(struct pg_conn *c);
/* Likewise, before anything that cannot be held back; conn_stream_send comes. */
bool conn_types_ask_first(struct pg_conn *c);
void conn_types_read(struct pg_conn *c);

/* ---- conn_read_only.c ---- */
/* A statement was refused with 25006. True: not because of what its caller asked for, but because the server takes no
 * writes any more, and another connection may do better: the owner was told, and nothing was written. */
bool conn_turned_read_only(struct pg_conn *c);

/* ---- conn_result.c ---- */
void pg_conn_on_input(struct pg_conn *c);
void pg_conn_on_writable(struct pg_conn *c);
void conn_take_leave(struct pg_conn *c);             /* the server said good bye */
bool conn_consume(struct pg_conn *c);                /* what the socket has; false: it is dead */
bool conn_has_hidden_input(const struct pg_conn *c); /* in the TLS library, where no poll sees it */
void conn_note_tag(struct pg_conn *c, const PGresult *res, struct slice sql);
void conn_keep_result(struct pg_conn *c, PGresult *taken); /* of several the last one, or the first error */
/* Rows for the caller, of a statement with that hash. A row that made libpq's buffer large wears the connection. */
struct pg_result *conn_take_rows(struct pg_conn *c, PGresult *taken, uint64_t statement);
/* Of what is to be executed: 0 text, 1 binary, where both say the same. */
int conn_format(const struct pg_conn *c, const struct prepared *p);
void conn_error_of_format(struct pg_error *err); /* of rows that are in a format which is not read */
void conn_refuse_copy(struct pg_conn *c);        /* libpq would give such a result again and again */
void pg_conn_finish(struct pg_conn *c);          /* from a loop callback only: the statement is over */
#endif
