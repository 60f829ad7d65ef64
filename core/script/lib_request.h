#ifndef SCRIPT_LIB_REQUEST_H
#define SCRIPT_LIB_REQUEST_H
/* `req` as handlers see it: a userdata that reads the C request when it is asked, and says so when the request is over. */
#include <lua.h>

struct task;

void lib_request_install(lua_State *L);    /* the metatable, once a state */
void **lib_request_push_box(lua_State *L); /* pushes a new userdata; what it points to is a struct task, or NULL */
/* The extra fields that handlers set on `req` are dropped: between two requests of a recycled task. */
void lib_request_clear(lua_State *L, int box_ref);
#endif
