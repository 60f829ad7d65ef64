#ifndef SCRIPT_REQUEST_LIB_ROUTE_H
#define SCRIPT_REQUEST_LIB_ROUTE_H
/* What neap.core has of routes, of who calls them and how often. Each adds its functions to the table on top. */
#include <lua.h>

void lib_route_add(lua_State *L); /* route, routes, set_error_mapper, set_docs_path */
void lib_edges_add(lua_State *L); /* is_network, is_redis_url, rate_take, rate_forget, redis_ping, redis_ponged */
void lib_auth_add(lua_State *L);  /* auth_configure, token_sign, token_verify, on_outsider, outsider, name_outsider */
#endif
