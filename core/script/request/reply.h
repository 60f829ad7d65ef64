#ifndef SCRIPT_REQUEST_REPLY_H
#define SCRIPT_REQUEST_REPLY_H
/* What a handler returned, made into an answer. A handler returns a body; a status and a body; a neap.response; or
 * nothing (204). */
#include "http/response.h"
#include <lua.h>

struct reply {
    struct response res; /* its slices point into the service's scratch buffers or at Lua strings on the task's stack */
    bool ready;
    bool streams; /* res is the head; the function that writes the body is on top of the task's stack */
};

/* Reads the values first..top of L and fills service->reply. Raises a Lua error that says what is wrong with them. Runs in
 * the task's coroutine, where an error is caught. */
void reply_build(lua_State *L, int first);
/* Appends "Name: value\r\n" for each pair of the table at index; raises on a name or value that HTTP forbids. */
void reply_headers(lua_State *L, int index, struct buf *out);
#endif
