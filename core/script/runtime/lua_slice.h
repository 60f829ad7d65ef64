#ifndef SCRIPT_RUNTIME_LUA_SLICE_H
#define SCRIPT_RUNTIME_LUA_SLICE_H
/* Strings between Lua and C. What is taken from Lua lives as long as the value stays on the stack. */
#include "base/slice.h"
#include <lauxlib.h>

static inline struct slice lua_slice_at(lua_State *L, int index) /* p NULL: neither a string nor a number */
{
    struct slice s = {0};
    s.p = lua_tolstring(L, index, &s.n);
    return s;
}

static inline struct slice lua_slice_check(lua_State *L, int arg) /* raises when it is none */
{
    struct slice s;
    s.p = luaL_checklstring(L, arg, &s.n);
    return s;
}

static inline void lua_slice_push(lua_State *L, struct slice s)
{
    lua_pushlstring(L, s.p != NULL ? s.p : "", s.n);
}
#endif
