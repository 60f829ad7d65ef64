#ifndef SCRIPT_DB_ROWS_H
#define SCRIPT_DB_ROWS_H
/* What a statement gave, as Lua sees it. */
#include "script/db/db.h"

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
void db_cell_push_binary(lua_State *L, const struct pg_result *res, int row, int column); /* pg_result_is_binary */

/* ---- slow.c ---- */
/* Logs the statement at index 1 when it was slow, with the Lua line that waits for it. */
void db_slow_check(lua_State *L, const struct db_state *db, const struct db_rows *r);
#endif
