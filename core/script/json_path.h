#ifndef SCRIPT_JSON_PATH_H
#define SCRIPT_JSON_PATH_H
/* Where in a value json_encode has stopped. From `root` to `at` the stack holds value, key, value, key ... value. */
#include "base/error.h"
#include <lua.h>
#include <stdbool.h>

/* "items[3].due_at: <what>", or just <what> at the root. Raises nothing. */
void json_path_fail(lua_State *L, int root, int at, const char *what, char err[static ERR_MAX]);
bool json_path_is_cycle(lua_State *L, int root, int at); /* the table at `at` is one of those around it */
#endif
