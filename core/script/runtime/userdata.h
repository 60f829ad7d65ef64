#ifndef SCRIPT_RUNTIME_USERDATA_H
#define SCRIPT_RUNTIME_USERDATA_H
#include <lauxlib.h>

/* Leaves the metatable of that name on the stack, made at the first call of a state: with `meta` ("__gc" and the like) in
 * it and `methods` below __index. index: is called in their place, with the table of them as its first upvalue; or NULL. */
void userdata_metatable(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta, lua_CFunction index);
#endif
