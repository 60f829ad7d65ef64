#ifndef SCRIPT_RUNTIME_WHEREABOUTS_H
#define SCRIPT_RUNTIME_WHEREABOUTS_H
/* Which line of Lua this is. */
#include <stdbool.h>
#include <stddef.h>

struct engine;
struct lua_State;

enum { WHERE_MAX = 160 };
/* "lua/app/tasks/rules.lua:12" of the innermost Lua function, "" when there is none. */
void engine_where(struct lua_State *L, char out[static WHERE_MAX]);

/* For the last words of a process that is being aborted: only in a signal handler on the loop's thread of a process that
 * ends with it, since Lua may be in the middle of anything. Writes the line as above and returns its length, 0 when no Lua
 * runs. */
size_t whereabouts(const struct engine *e, char *out, size_t out_n);
#endif
