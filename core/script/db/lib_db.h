#ifndef SCRIPT_DB_LIB_DB_H
#define SCRIPT_DB_LIB_DB_H
/* The module neap.core.db, behind lua/neap/db.lua. */
#include <lua.h>

int luaopen_neap_core_db(lua_State *L);
#endif
