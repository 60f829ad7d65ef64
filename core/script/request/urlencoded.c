#include "script/request/urlencoded.h"

#include "script/request/percent.h"
#include "script/runtime/lua_slice.h"
#include <lauxlib.h>

enum { PAIRS_MAX = 1000 };

void urlencoded_push(lua_State *L, struct slice s, bool plus)
{
    if (!percent_is_encoded(s, plus)) {
        lua_slice_push(L, s);
        return;
    }
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, s.n);
    luaL_pushresultsize(&b, percent_decode(out, s, plus));
}

/* Table at -3, name at -2, value at -1: all but the table are taken. */
static void add_pair(lua_State *L)
{
    lua_pushvalue(L, -2);
    int had = lua_rawget(L, -4);
    if (had == LUA_TNIL) {
        lua_pop(L, 1);
        lua_rawset(L, -3);
        return;
    }
    if (had != LUA_TTABLE) { /* name, value, first */
        lua_createtable(L, 2, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -2);
        lua_rawset(L, -6);
    }
    lua_insert(L, -2); /* name, list, value */
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 2);
}

void urlencoded_push_table(lua_State *L, struct slice s)
{
    struct slice name, value;
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    for (int pairs = 0; pairs < PAIRS_MAX && percent_next_pair(&s, &name, &value); pairs++) {
        urlencoded_push(L, name, true);
        urlencoded_push(L, value, true);
        add_pair(L);
    }
}
