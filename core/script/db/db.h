#ifndef SCRIPT_DB_H
#define SCRIPT_DB_H
/* neap.core.db from inside: statements, results, transactions, and the one connection that specs share.
 *
 * A statement goes to the connection of the innermost lease of its task (db.tx, db.session), else to the pinned one when
 * the process is pinned, else to whichever the pool has. */
#include "base/clock.h"
#include "base/error.h"
#include "pg/pool.h"
#include "pg/statement.h"
#include "script/runtime/db_task.h"
#include "script/runtime/whereabouts.h"
#include "script/runtime/task.h"
#include <lua.h>

#define DB_ROWS "neap.db.rows"
#define DB_LEASE "neap.db.lease"
#define DB_ERROR "neap.db.error"
#define DB_ARRAY "neap.db.array"
#define DB_BYTES "neap.db.bytes"
#define DB_ROW "neap.db.row"

struct db_pin;
struct db_lease;
struct script_env;

/* Of one engine: the first upvalue of every function of neap.core.db. */
struct db_state {
    const struct script_env *env; /* borrowed */
    struct db_pin *pin;           /* owned; NULL: not pinned */
    uint64_t slow_us;             /* statements that took longer are logged; 0: none */
    /* of the statement that is being put together; the pool copies it before it returns */
    struct buf text;
    const char **values;
    int *lengths;
    size_t *offsets; /* of values that lie in `text`, plus one; 0: `values` says it */
    int cap;
};

/* ---- db_params.c ---- */
/* SQL at that index, parameters above it to the top. Raises on what cannot be sent. The result's pointers live until the
 * next call. */
struct pg_statement db_read_statement(lua_State *L, struct db_state *db, int at);
/* Any value but a string as Postgres' text; false, and nothing, for NULL. */
bool db_write_value(lua_State *L, int index, int parameter, struct buf *out);
int db_array(lua_State *L);
int db_bytes(lua_State *L);
void db_params_free(struct db_state *db);

/* ---- db_error.c ---- */
void db_error_open(lua_State *L);
/* The innermost line of Lua that is not the framework's own. */
void db_where(lua_State *L, char out[static WHERE_MAX]);
/* Whether the server may have done it all the same. */
bool db_error_is_doubtful(const struct pg_error *err);
/* Pushes the error as a table, with the Lua line that is running. outcome: "unknown", or NULL. */
void db_error_push(lua_State *L, const struct pg_error *err, const char *outcome);
int db_error_raise(lua_State *L, enum pg_error_kind kind, const char *message);

/* ---- db_rows.c, db_cell.c ---- */
enum db_want { DB_WANT_ROWS, DB_WANT_ONE, DB_WANT_COUNT, DB_WANT_NOTHING };

/* One statement from its sending to the last look at its rows: the userdata that db.query returns, and a scrap of garbage
 * for the others. It lies on the stack of the waiting function, so it lives as long as the wait. */
struct db_rows {
    struct pg_result *res; /* owned; NULL: not there yet, failed, or not wanted any more */
    struct pg_error *err;  /* owned; NULL: none */
    enum db_want want;
    struct task *task;        /* borrowed while it runs */
    struct pool_query *query; /* while it runs on a connection of the pool's choice */
    struct pg_conn *conn;     /* while it runs on the connection of a lease or pin */
    struct db_turn *turn;     /* owned while it runs on the pinned one */
    bool autocommit;          /* on its own: when its connection is lost, so is the knowledge of what it did */
    bool cancelled, script;
    uint64_t began_us, took_us;
};
void db_rows_open(lua_State *L);
struct db_rows *db_rows_new(lua_State *L, enum db_want want); /* pushed */
void db_rows_take(struct db_rows *r, struct pg_result *res, const struct pg_error *err);
/* Pushes what the caller wanted of the rows at index, or raises its error. */
int db_rows_push(lua_State *L, int index);
/* For a caller with rows of its own. The metatable has their columns; a row takes its place on top of the stack. */
void db_row_push_meta(lua_State *L, const struct pg_result *res);
void db_row_push(lua_State *L, const struct pg_result *res, int row);
void db_cell_push(lua_State *L, enum pg_type type, enum pg_type element, struct slice text);

/* ---- db_slow.c ---- */
int db_slow(lua_State *L); /* (ms): DB_SLOW_MS */
/* A task has so many more answers, after so long. */
void db_task_count(struct db_task *t, const struct script_env *env, unsigned statements, uint64_t us);
/* Logs the statement at index 1 when it was slow, with the Lua line that waits for it. */
void db_slow_check(lua_State *L, const struct db_state *db, const struct db_rows *r);

/* ---- db_lease.c, db_begin.c ---- */
/* Of the task's innermost lease; NULL: it has none. Raises when that one can only end. */
struct pg_conn *db_task_conn(lua_State *L, struct db_task *t);
bool db_task_in_tx(const struct db_task *t);
/* After an answer on c: a COMMIT or ROLLBACK of the caller's own has ended the transaction of db.tx. Then nothing more can
 * be done in it, and err says so. */
bool db_task_tx_was_ended(struct db_task *t, const struct pg_conn *c, struct pg_error *err);
void db_lease_open(lua_State *L);
int db_begin(
    lua_State *L); /* (sql or nil, statement timeout in ms or -1, what will run) -> lease, with commit() and __close */

/* ---- db_pin.c ---- */
/* Whoever uses the pinned connection waits for its turn; in the line, they are served in order. */
struct db_turn {
    struct list link;
    struct db_pin *pin;
    struct wheel_timer deadline;
    void (*fn)(struct db_turn *t, const struct pg_error *err); /* the turn has come (NULL), or never will */
    void *arg;
    struct statement_copy copy;
};
/* True: it is our turn. False: fn will be called. */
bool db_turn_take(struct db_pin *pin, struct db_turn *t, void (*fn)(struct db_turn *, const struct pg_error *), void *arg);
void db_turn_leave(struct db_turn *t); /* out of the line, before its turn */
void db_turn_end(struct db_turn *t);   /* the next one's turn */
/* Rolls back to the savepoint first. t is not needed any more from now on. */
void db_turn_roll_back(struct db_turn *t);
void db_turn_free(struct db_turn *t);                  /* of one that was allocated */
struct pg_conn *db_pin_conn(const struct db_pin *pin); /* NULL: pin() still waits for it */
int db_pin(lua_State *L);
int db_unpin(lua_State *L);

void db_each_open(lua_State *L); /* db_each.c */
int db_each(lua_State *L);

void db_copy_open(lua_State *L); /* db_copy.c */
int db_copy_in(lua_State *L);
int db_copy_out(lua_State *L);

int db_ping(lua_State *L); /* db_ping.c */
/* ({{sql, ...}, ...}) -> their rows, in one round trip; false when the process is pinned: then inside a transaction. */
int db_all(lua_State *L); /* db_all.c */
/* (sql, {{...}, ...}) -> the rows of all runs together; likewise. */
int db_many(lua_State *L);
#endif
