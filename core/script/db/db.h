#ifndef SCRIPT_DB_H
#define SCRIPT_DB_H
/* neap.core.db from inside: what its files share. Results are in rows.h, transactions in lease.h, the one connection that
 * specs share in pin.h, statements that last in flow.h.
 *
 * A statement goes to the connection of the innermost lease of its task (db.tx, db.session), else to the pinned one when
 * the process is pinned, else to whichever the pool has. */
#include "base/clock.h"
#include "base/error.h"
#include "pg/pool.h"
#include "pg/statement.h"
#include "script/runtime/db_task.h"
#include "script/runtime/task.h"
#include "script/runtime/whereabouts.h"
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

/* ---- params.c ---- */
/* SQL at that index, parameters above it to the top. Raises on what cannot be sent. The result's pointers live until the
 * next call. */
struct pg_statement db_read_statement(lua_State *L, struct db_state *db, int at);
struct pg_statement db_read_text(lua_State *L, int at); /* without parameters */
/* The parameters from that index to the top, into the statement; likewise. */
void db_read_values(lua_State *L, struct db_state *db, int at, struct pg_statement *st);
/* Any value but a string as Postgres' text; false, and nothing, for NULL. */
bool db_write_value(lua_State *L, int index, int parameter, struct buf *out);
int db_array(lua_State *L);
int db_bytes(lua_State *L);
void db_params_free(struct db_state *db);

/* ---- error.c ---- */
void db_error_open(lua_State *L);
/* Whether code of that source, as lua_Debug.short_src has it, is the framework's. */
bool db_is_framework(const char *source);
/* The innermost line of Lua that is not the framework's own. */
void db_where(lua_State *L, char out[static WHERE_MAX]);
/* Whether the server may have done it all the same. */
bool db_error_is_doubtful(const struct pg_error *err);
/* Pushes the error as a table, with the Lua line that is running. outcome: "unknown", or NULL. */
void db_error_push(lua_State *L, const struct pg_error *err, const char *outcome);
int db_error_raise(lua_State *L, enum pg_error_kind kind, const char *message);

/* ---- call.c ---- */
void db_call_clear(struct db_call *call); /* what it still owns */

/* ---- slow.c ---- */
int db_slow(lua_State *L); /* (ms): DB_SLOW_MS */
/* A task has so many more answers, after so long. */
void db_task_count(struct db_task *t, const struct script_env *env, unsigned statements, uint64_t us);

/* ---- lease.c, begin.c ---- */
/* Of the task's innermost lease; NULL: it has none. Raises when that one can only end. */
struct pg_conn *db_task_conn(lua_State *L, struct db_task *t);
bool db_task_in_tx(const struct db_task *t);
/* After an answer on c: a COMMIT or ROLLBACK of the caller's own has ended the transaction of db.tx. Then nothing more can
 * be done in it, and err says so. */
bool db_task_tx_was_ended(struct db_task *t, const struct pg_conn *c, struct pg_error *err);
void db_lease_open(lua_State *L);
int db_begin(
    lua_State *L); /* (sql or nil, statement timeout in ms or -1, what will run) -> lease, with commit() and __close */

void db_each_open(lua_State *L); /* each.c */
int db_each(lua_State *L);

void db_copy_open(lua_State *L); /* copy.c */
int db_copy_in(lua_State *L);
int db_copy_out(lua_State *L);

int db_ping(lua_State *L); /* ping.c */
int db_pin(lua_State *L);  /* pin.c */
int db_unpin(lua_State *L);
/* ({{sql, ...}, ...}) -> their rows, in one round trip; false when the process is pinned: then inside a transaction. */
int db_all(lua_State *L); /* all.c */
/* (sql, {{...}, ...}) -> the rows of all runs together; likewise. */
int db_many(lua_State *L);
#endif
