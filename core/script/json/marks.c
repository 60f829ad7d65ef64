#include "script/json/marks.h"
#include "script/json/json.h"
#include "script/json/raw.h"
#include <assert.h>
#include <lauxlib.h>

/* Addresses of our own are keys that need no string: looking them up allocates nothing. */
static const char marks_key, array_key, object_key, raw_key, writer_field_key, columns_field_key;

static const struct {
    const char *key, *name;
} metatables[] = {
    [JSON_MARK_ARRAY] = {&array_key, "neap.json.array"},
    [JSON_MARK_OBJECT] = {&object_key, "neap.json.object"},
    [JSON_MARK_RAW] = {&raw_key, "neap.json.raw"},
};

static const void *make_metatable(lua_State *L, enum json_mark mark)
{
    luaL_newmetatable(L, metatables[mark].name);
    if (mark == JSON_MARK_RAW)
        json_raw_methods(L);
    const void *address = lua_topointer(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, metatables[mark].key);
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

static int setup(lua_State *L)
{
    luaL_checkstack(L, 6, NULL);
    struct json_marks *marks = lua_newuserdatauv(L, sizeof *marks, 0);
    marks->array = make_metatable(L, JSON_MARK_ARRAY);
    marks->object = make_metatable(L, JSON_MARK_OBJECT);
    marks->raw = make_metatable(L, JSON_MARK_RAW);
    name_null(L);
    lua_pushliteral(L, JSON_WRITER_FIELD);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &writer_field_key);
    lua_pushliteral(L, JSON_COLUMNS_FIELD);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &columns_field_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key); /* last: it says that all of them are there */
    return 0;
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

const struct json_marks *json_marks_protected(lua_State *L)
{
    const struct json_marks *marks = find(L);
    if (marks != NULL)
        return marks;
    lua_pushcfunction(L, setup);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return NULL;
    }
    return find(L);
}

void json_marks_push(lua_State *L, enum json_mark mark)
{
    int type = lua_rawgetp(L, LUA_REGISTRYINDEX, metatables[mark].key);
    assert(type == LUA_TTABLE);
    (void)type;
}

void json_marks_push_writer_field(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &writer_field_key);
}

void json_marks_push_columns_field(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &columns_field_key);
}
