#ifndef SCRIPT_WHEREABOUTS_H
#define SCRIPT_WHEREABOUTS_H
/* For the last words of a process that is being aborted: which line of Lua it was at. */
#include <stdbool.h>
#include <stddef.h>

struct engine;

/* Only in a signal handler on the loop's thread of a process that ends with it: Lua may be in the middle of anything.
 * Writes "lua/app/tasks/rules.lua:12" and returns its length, 0 when no Lua runs. */
size_t whereabouts(const struct engine *e, char *out, size_t out_n);
#endif
