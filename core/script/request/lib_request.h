#ifndef SCRIPT_REQUEST_LIB_REQUEST_H
#define SCRIPT_REQUEST_LIB_REQUEST_H
/* `req` as handlers see it: a userdata that reads the C request when it is asked, and says so when the request is over. */
#include <lua.h>

struct task;

void lib_request_install(lua_State *L); /* the metatable, once a state */
/* Pushes one, new for each request, so that one that a handler kept tells that its request is over. What it points to is a
 * struct task, or NULL. */
void **lib_request_push_box(lua_State *L);
#endif
