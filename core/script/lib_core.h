#ifndef SCRIPT_LIB_CORE_H
#define SCRIPT_LIB_CORE_H
/* The module neap.core: what the framework's Lua files ask of the host. Applications use neap.* instead. */
#include <lua.h>

int luaopen_neap_core(lua_State *L);

/* Parts of it, each of which adds its functions to the table on top of the stack. */
void lib_route_add(lua_State *L);    /* route, routes, set_error_mapper */
void lib_log_add(lua_State *L);      /* log, log_bind, log_level */
void lib_host_add(lua_State *L);     /* serve, unserve, use_database, set_user, counts, draining, exit */
void lib_time_add(lua_State *L);     /* now, monotonic, sleep */
void lib_spawn_add(lua_State *L);    /* spawn, cancel, ending */
void lib_edges_add(lua_State *L);    /* is_network, is_redis_url, rate_take, rate_forget, redis_ping, redis_ponged */
void lib_pages_add(lua_State *L);    /* page, pages_version, pages_missing */
void lib_auth_add(lua_State *L);     /* auth_configure, token_sign, token_verify, on_outsider, outsider, name_outsider */
void lib_password_add(lua_State *L); /* password_hash, password_verify, password_is_current */
#endif
