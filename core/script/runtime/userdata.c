#include "script/runtime/userdata.h"

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
