#include "script/json/raw.h"
#include "script/json/decode.h"
#include "script/json/json.h"
#include "script/json/marks.h"
#include <lauxlib.h>

enum { TEXT = 1, VALUE = 2 }; /* the user values */

void json_raw_push_text(lua_State *L, int index)
{
    lua_getiuservalue(L, index, TEXT);
}

void json_raw_push_value(lua_State *L, int index)
{
    lua_getiuservalue(L, index, VALUE);
}

void json_push_raw(lua_State *L, struct slice text)
{
    json_marks(L);
    luaL_checkstack(L, 3, NULL);
    lua_newuserdatauv(L, 0, 2);
    lua_pushlstring(L, text.p, text.n);
    lua_setiuservalue(L, -2, TEXT);
    json_marks_push(L, JSON_MARK_RAW);
    lua_setmetatable(L, -2);
}

void json_raw_decode(lua_State *L, int index)
{
    struct json_error err;

    index = lua_absindex(L, index);
    if (lua_getiuservalue(L, index, VALUE) == LUA_TNIL) {
        json_raw_push_text(L, index);
        if (json_decode(L, -1, &err) != JSON_OK)
            luaL_error(L, "a raw JSON value cannot be read: %s", err.message);
        lua_setiuservalue(L, index, VALUE);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The decoded table of the raw value at 1, for what can only be asked of a table. */
static void push_table(lua_State *L)
{
    json_raw_decode(L, 1);
    json_raw_push_value(L, 1);
    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "this raw JSON value is no table but a %s: json.decode gives it", luaL_typename(L, -1));
}

static int l_index(lua_State *L)
{
    push_table(L);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int l_newindex(lua_State *L)
{
    push_table(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

static int l_len(lua_State *L)
{
    push_table(L);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

static int l_next(lua_State *L)
{
    lua_settop(L, 2);
    return lua_next(L, 1) ? 2 : 0;
}

static int l_pairs(lua_State *L)
{
    push_table(L);
    lua_pushcfunction(L, l_next);
    lua_insert(L, -2);
    lua_pushnil(L);
    return 3;
}

/* What was looked at may have been changed, so it is written anew. */
static int l_tostring(lua_State *L)
{
    static struct buf scratch;
    char err[ERR_MAX];

    json_raw_push_value(L, 1);
    if (lua_isnil(L, -1)) {
        json_raw_push_text(L, 1);
        return 1;
    }
    buf_clear(&scratch);
    if (json_encode(L, 1, &scratch, err) != 0)
        return luaL_error(L, "%s", err);
    lua_pushlstring(L, scratch.p, scratch.n);
    return 1;
}

static const luaL_Reg methods[] = {
    {"__index", l_index}, {"__newindex", l_newindex}, {"__len", l_len},
    {"__pairs", l_pairs}, {"__tostring", l_tostring}, {NULL, NULL},
};

void json_raw_methods(lua_State *L)
{
    luaL_setfuncs(L, methods, 0);
}
