#ifndef SCRIPT_SANDBOX_SANDBOX_H
#define SCRIPT_SANDBOX_SANDBOX_H
/* What application code may reach. Its modules run in an environment of their own: Lua's globals without what would end
 * or stop the process (os.exit, os.execute, io.popen, debug.sethook, package.loadlib, bytecode, __gc). It keeps a slip
 * from hurting; it is no prison for code that means harm.
 *
 * A global that nobody declared is an error, found when the file is loaded and, for what cannot be seen then
 * (_G[name], loaded text), when it runs. rawget(_G, name) asks without an error. */
#include <lua.h>

void sandbox_install(lua_State *L); /* after every library is open */
/* The chunk on top, just compiled from text, gets the environment as its _ENV. Raises a line for each global that is not
 * there: "lua/app/tasks/rules.lua:12: undeclared global 'taks'". `name` is the chunk's, without its @. */
void sandbox_enter(lua_State *L, const char *name);
#endif
