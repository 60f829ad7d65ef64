#ifndef SCRIPT_DB_CALL_H
#define SCRIPT_DB_CALL_H
/* db.query and its like: one statement, sent to where it belongs and waited for. */
#include "pg/pool.h"
#include "script/db/db.h"

enum db_want { DB_WANT_ROWS, DB_WANT_ONE, DB_WANT_COUNT, DB_WANT_NOTHING };

/* The statement is at index 1, its parameters above it. what: for error messages. A lua_CFunction returns the value. */
int db_call(lua_State *L, enum db_want want, enum pool_word word, const char *what);
#endif
