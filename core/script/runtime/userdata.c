#include "script/runtime/userdata.h"
#include "script/runtime/engine.h"

void userdata_metatable(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta, lua_CFunction index)
{
    if (!luaL_newmetatable(L, name))
        return;
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    if (index != NULL)
        lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
}

void userdata_class_is(lua_State *L, enum userdata_class c)
{
    struct userdata_classes *known = &engine_of(L)->classes;
    known->metatable[c] = lua_topointer(L, -1);
    lua_pushvalue(L, -1);
    known->ref[c] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void userdata_set_class(lua_State *L, enum userdata_class c)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine_of(L)->classes.ref[c]);
    lua_setmetatable(L, -2);
}

void *userdata_test(lua_State *L, int index, enum userdata_class c)
{
    void *p = lua_touserdata(L, index);
    if (p == NULL || lua_getmetatable(L, index) == 0)
        return NULL;
    bool is = lua_topointer(L, -1) == engine_of(L)->classes.metatable[c];
    lua_pop(L, 1);
    return is ? p : NULL;
}

void *userdata_check(lua_State *L, int argument, enum userdata_class c)
{
    void *p = userdata_test(L, argument, c);
    if (p == NULL) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, engine_of(L)->classes.ref[c]);
        lua_getfield(L, -1, "__name");
        luaL_typeerror(L, argument, lua_tostring(L, -1));
    }
    return p;
}
