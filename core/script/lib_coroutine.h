#ifndef SCRIPT_LIB_COROUTINE_H
#define SCRIPT_LIB_COROUTINE_H
#include <lua.h>

/* Replaces coroutine.resume, coroutine.wrap, pcall and xpcall in the globals of L. */
void lib_coroutine_install(lua_State *L);
#endif
