/* What the framework asks about the edges: is this a network, and the counting of requests. */
#include "base/address.h"
#include "script/lib_core.h"
#include <lauxlib.h>

static int l_is_network(lua_State *L)
{
    struct slice text;
    struct address_network net;
    text.p = luaL_checklstring(L, 1, &text.n);
    lua_pushboolean(L, address_network_parse(text, &net));
    return 1;
}

static const luaL_Reg functions[] = {{"is_network", l_is_network}, {NULL, NULL}};

void lib_edges_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
