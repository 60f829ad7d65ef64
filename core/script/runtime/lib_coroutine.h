#ifndef SCRIPT_RUNTIME_LIB_COROUTINE_H
#define SCRIPT_RUNTIME_LIB_COROUTINE_H
#include <lua.h>
#include <stdbool.h>

/* Replaces coroutine.close, coroutine.resume, coroutine.wrap, pcall and xpcall in the globals of L. */
void lib_coroutine_install(lua_State *L);
/* The coroutine of a task is the loop's alone: code that got hold of it can neither resume nor close it. */
void lib_coroutine_reserve(lua_State *L, const lua_State *co, bool on);
#endif
