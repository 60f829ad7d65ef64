#ifndef SCRIPT_SANDBOX_MODULES_H
#define SCRIPT_SANDBOX_MODULES_H
/* Where `require` finds modules. neap.* comes from the binary, or from home/lua when NEAP_HOME is set; the application's
 * from APP/lua and APP, with its own environment (sandbox.h); C modules from where Lua was told to look. Chunks have short
 * names, so that an error says lua/app/tasks/rules.lua:12. */
#include <lua.h>

void modules_install(lua_State *L, const char *app_dir, const char *home); /* home may be NULL; both are copied */
#endif
