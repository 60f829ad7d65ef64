#ifndef SCRIPT_LIB_CORE_H
#define SCRIPT_LIB_CORE_H
/* The module neap.core: what the framework's Lua files ask of the host. Applications use neap.* instead. */
#include <lua.h>

int luaopen_neap_core(lua_State *L);

/* Parts of it, each of which adds its functions to the table on top of the stack. The rooms inside have others. */
void lib_log_add(lua_State *L);   /* log, log_bind, log_level */
void lib_host_add(lua_State *L);  /* serve, unserve, use_database, set_user, counts, draining, exit */
void lib_time_add(lua_State *L);  /* now, monotonic, sleep */
void lib_pages_add(lua_State *L); /* page, pages_version, pages_missing */
#endif
