#include "script/json/json.h"
#include "script/json/marks.h"
#include <lauxlib.h>

struct pusher {
    lua_State *L;
    const struct json_node *nodes;
    int array_metatable; /* stack index of it, or of a nil until the first array comes */
};

static uint32_t push_node(const struct pusher *p, uint32_t at);

static void mark_array(const struct pusher *p)
{
    if (lua_isnil(p->L, p->array_metatable)) {
        json_marks(p->L);
        json_marks_push(p->L, JSON_MARK_ARRAY);
        lua_replace(p->L, p->array_metatable);
    }
    lua_pushvalue(p->L, p->array_metatable);
    lua_setmetatable(p->L, -2);
}

static uint32_t push_array(const struct pusher *p, uint32_t at)
{
    lua_State *L = p->L;
    uint32_t count = p->nodes[at].count;

    luaL_checkstack(L, 4, "JSON nested too deeply");
    lua_createtable(L, (int)count, 0);
    at++;
    for (uint32_t i = 1; i <= count; i++) {
        at = push_node(p, at);
        lua_rawseti(L, -2, i);
    }
    mark_array(p);
    return at;
}

/* The label is a reference of the registry: script/plan/build.c gives it. */
static void push_key(const struct pusher *p, const struct json_node *key)
{
    if (key->label == 0)
        lua_pushlstring(p->L, key->s.p, key->s.n);
    else
        lua_rawgeti(p->L, LUA_REGISTRYINDEX, key->label);
}

static uint32_t push_object(const struct pusher *p, uint32_t at)
{
    lua_State *L = p->L;
    uint32_t count = p->nodes[at].count;

    luaL_checkstack(L, 4, "JSON nested too deeply");
    lua_createtable(L, 0, (int)count);
    at++;
    for (uint32_t i = 0; i < count; i++) {
        push_key(p, &p->nodes[at]);
        at = push_node(p, at + 1);
        lua_rawset(L, -3);
    }
    return at;
}

/* The recursion goes as deep as the document, which the reader has limited. */
static uint32_t push_node(const struct pusher *p, uint32_t at)
{
    const struct json_node *node = &p->nodes[at];

    switch (node->type) {
    case JSON_NULL:
        json_push_null(p->L);
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        lua_pushboolean(p->L, node->type == JSON_TRUE);
        break;
    case JSON_INT:
        lua_pushinteger(p->L, node->i);
        break;
    case JSON_DOUBLE:
        lua_pushnumber(p->L, node->d);
        break;
    case JSON_STRING:
        lua_pushlstring(p->L, node->s.p, node->s.n);
        break;
    case JSON_ARRAY:
        return push_array(p, at);
    case JSON_OBJECT:
        return push_object(p, at);
    }
    return at + 1;
}

void json_push_doc(lua_State *L, const struct json_doc *doc)
{
    luaL_checkstack(L, 4, NULL);
    lua_pushnil(L);
    struct pusher p = {L, doc->nodes, lua_gettop(L)};
    push_node(&p, 0);
    lua_replace(L, p.array_metatable);
}

void json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}
