#ifndef SCRIPT_RUNTIME_USERDATA_H
#define SCRIPT_RUNTIME_USERDATA_H
#include <lauxlib.h>

/* Leaves the metatable of that name on the stack, made at the first call of a state: with `meta` ("__gc" and the like) in
 * it and `methods` below __index. index: is called in their place, with the table of them as its first upvalue; or NULL. */
void userdata_metatable(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta, lua_CFunction index);

/* Those that every request makes and looks at. They are known by the addresses of their metatables, which the engine holds:
 * half the price of luaL_checkudata, which looks the name up each time. */
enum userdata_class { USERDATA_REQUEST, USERDATA_ROWS, USERDATA_CLASSES };

struct userdata_classes { /* of an engine */
    const void *metatable[USERDATA_CLASSES];
    int ref[USERDATA_CLASSES];
};

void userdata_class_is(lua_State *L, enum userdata_class c);             /* the metatable on top is this class's */
void userdata_set_class(lua_State *L, enum userdata_class c);            /* of the userdata on top */
void *userdata_test(lua_State *L, int index, enum userdata_class c);     /* NULL: it is something else */
void *userdata_check(lua_State *L, int argument, enum userdata_class c); /* likewise, and raises */
#endif
