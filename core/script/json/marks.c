#include "script/json/marks.h"
#include "script/json/json.h"
#include "script/json/raw.h"
#include <assert.h>
#include <lauxlib.h>

/* Addresses of our own are keys that need no string: looking them up allocates nothing. */
static const char marks_key, array_key, object_key, raw_key;
static const char kind_key; /* in a metatable: an integer, or the light userdata of a writer */

static const struct {
    const char *key, *name;
    enum json_kind kind;
} metatables[] = {
    [JSON_MARK_ARRAY] = {&array_key, "neap.json.array", JSON_KIND_ARRAY},
    [JSON_MARK_OBJECT] = {&object_key, "neap.json.object", JSON_KIND_OBJECT},
    [JSON_MARK_RAW] = {&raw_key, "neap.json.raw", JSON_KIND_RAW},
};

static void mark(lua_State *L, int metatable, enum json_kind kind)
{
    metatable = lua_absindex(L, metatable);
    lua_pushinteger(L, kind);
    lua_rawsetp(L, metatable, &kind_key);
}

void json_mark_rows(lua_State *L, int metatable)
{
    mark(L, metatable, JSON_KIND_ROW);
}

void json_mark_writer(lua_State *L, int metatable, json_writer_fn write)
{
    metatable = lua_absindex(L, metatable);
    lua_pushlightuserdata(L, (void *)write);
    lua_rawsetp(L, metatable, &kind_key);
}

enum json_kind json_push_kind(lua_State *L, int index)
{
    enum json_kind kind = JSON_KIND_PLAIN;

    if (lua_getmetatable(L, index) == 0)
        return kind;
    if (lua_rawgetp(L, -1, &kind_key) == LUA_TNUMBER)
        kind = (enum json_kind)lua_tointeger(L, -1);
    else if (lua_islightuserdata(L, -1))
        kind = JSON_KIND_WRITER;
    lua_pop(L, kind == JSON_KIND_PLAIN ? 2 : 1);
    return kind;
}

json_writer_fn json_writer(lua_State *L, int metatable)
{
    metatable = lua_absindex(L, metatable);
    lua_rawgetp(L, metatable, &kind_key);
    json_writer_fn write = (json_writer_fn)lua_touserdata(L, -1);
    lua_pop(L, 1);
    return write;
}

static const void *make_metatable(lua_State *L, enum json_mark which)
{
    luaL_newmetatable(L, metatables[which].name);
    if (which == JSON_MARK_RAW)
        json_raw_methods(L);
    mark(L, -1, metatables[which].kind);
    const void *address = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, metatables[which].key);
    return address;
}

static int null_tostring(lua_State *L)
{
    const void *p = lua_touserdata(L, 1);
    if (p == NULL)
        lua_pushliteral(L, "null");
    else
        lua_pushfstring(L, "userdata: %p", p);
    return 1;
}

/* All light userdata share one metatable. lua-cjson, whose null is the same pointer, has none for them. */
static void name_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static void setup(lua_State *L)
{
    luaL_checkstack(L, 6, NULL);
    struct json_marks *marks = lua_newuserdatauv(L, sizeof *marks, 0);
    marks->array = make_metatable(L, JSON_MARK_ARRAY);
    marks->object = make_metatable(L, JSON_MARK_OBJECT);
    marks->raw = make_metatable(L, JSON_MARK_RAW);
    name_null(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key); /* last: it says that all of them are there */
}

static const struct json_marks *find(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key);
    const struct json_marks *marks = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return marks;
}

const struct json_marks *json_marks(lua_State *L)
{
    const struct json_marks *marks = find(L);
    if (marks == NULL) {
        setup(L);
        marks = find(L);
    }
    return marks;
}

void json_marks_push(lua_State *L, enum json_mark which)
{
    int type = lua_rawgetp(L, LUA_REGISTRYINDEX, metatables[which].key);
    assert(type == LUA_TTABLE);
    (void)type;
}
