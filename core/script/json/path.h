#ifndef SCRIPT_JSON_PATH_H
#define SCRIPT_JSON_PATH_H
/* Where in a value json_encode has stopped. */
#include "base/error.h"
#include <lua.h>
#include <stdbool.h>

/* A table on the way down, and its member that is being written; both are stack indices. */
struct json_frame {
    struct json_frame *up; /* the table around it; NULL: none */
    int table, key;        /* key 0: the table itself is meant */
};

/* "items[3].due_at: <what>", or just <what> at the root. Raises nothing. */
void json_path_fail(lua_State *L, const struct json_frame *frame, const char *what, char err[static ERR_MAX]);
bool json_path_is_cycle(lua_State *L, const struct json_frame *frame, int at); /* the table is one of those around it */
#endif
