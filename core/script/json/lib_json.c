#include "base/limits.h"
#include "script/json/decode.h"
#include "script/json/json.h"
#include "script/json/marks.h"
#include "script/json/raw.h"
#include <lauxlib.h>

/* What json.encode writes into is kept for the next call, unless one answer was huge. */
enum { SCRATCH_KEPT = 256 * 1024 };

static int l_encode(lua_State *L)
{
    static struct buf scratch;
    char err[ERR_MAX];

    luaL_checkany(L, 1);
    if (scratch.cap > SCRATCH_KEPT)
        buf_free(&scratch);
    buf_clear(&scratch);
    if (json_encode(L, 1, &scratch, err) != 0)
        return luaL_error(L, "%s", err);
    lua_pushlstring(L, scratch.p, scratch.n);
    return 1;
}

/* nil, message, position (from 1) when the text is no JSON. */
static int l_decode(lua_State *L)
{
    struct json_error err;

    if (luaL_testudata(L, 1, "neap.json.raw") != NULL) {
        json_raw_decode(L, 1);
        json_raw_push_value(L, 1);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TSTRING);
    if (json_decode(L, 1, &err) == JSON_OK)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err.message);
    lua_pushinteger(L, (lua_Integer)err.at + 1);
    return 3;
}

static int mark(lua_State *L, enum json_mark m)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getmetatable(L, 1)) {
        const struct json_marks *marks = json_marks(L);
        const void *mt = lua_topointer(L, -1);
        luaL_argcheck(L, mt == marks->array || mt == marks->object, 1, "the table has another metatable");
        lua_pop(L, 1);
    }
    json_marks_push(L, m);
    lua_setmetatable(L, 1);
    return 1;
}

static int l_array(lua_State *L)
{
    return mark(L, JSON_MARK_ARRAY);
}

static int l_object(lua_State *L)
{
    return mark(L, JSON_MARK_OBJECT);
}

/* The text goes into answers as it is, so it is checked here, where the culprit can still be named. */
static int l_raw(lua_State *L)
{
    struct arena arena = {0};
    struct json_doc doc;
    struct json_error err;
    struct slice text;

    luaL_checktype(L, 1, LUA_TSTRING);
    text.p = lua_tolstring(L, 1, &text.n);
    enum json_status rc = json_read_grammar(text, limits_default.json_depth_max, &arena, &doc, &err);
    arena_free(&arena);
    if (rc != JSON_OK)
        return luaL_error(L, "json.raw: %s at position %I", err.message, (lua_Integer)err.at + 1);
    json_push_raw(L, text);
    return 1;
}

static const luaL_Reg functions[] = {
    {"encode", l_encode}, {"decode", l_decode}, {"array", l_array}, {"object", l_object}, {"raw", l_raw}, {NULL, NULL},
};

int luaopen_neap_json(lua_State *L)
{
    json_marks(L);
    luaL_newlib(L, functions);
    json_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
