#ifndef SCRIPT_DB_ROWS_H
#define SCRIPT_DB_ROWS_H
/* What a statement gave, as Lua sees it. */
#include "script/db/db.h"

struct db_rows {           /* the userdata that db.query returns */
    struct pg_result *res; /* owned; NULL: closed */
};
void db_rows_open(lua_State *L);
/* Pushes the rows and takes them over; when Lua has no memory for that it raises, and they stay the caller's. */
void db_rows_push(lua_State *L, struct pg_result **owned);
/* For a caller with rows of its own. The metatable has their columns; a row takes its place on top of the stack. */
void db_row_push_meta(lua_State *L, const struct pg_result *res);
void db_row_push(lua_State *L, const struct pg_result *res, int row);
void db_cell_push(lua_State *L, enum pg_type type, enum pg_type element, struct slice text);
void db_cell_push_binary(lua_State *L, const struct pg_result *res, int row, int column); /* pg_result_is_binary */

/* ---- slow.c ---- */
/* Logs the statement at index 1 when it was slow, with the Lua line that waits for it. res: or NULL. */
void db_slow_check(lua_State *L, const struct db_state *db, struct task *t, const struct pg_result *res, uint64_t us);
#endif
