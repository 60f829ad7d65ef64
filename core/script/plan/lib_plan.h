#ifndef SCRIPT_PLAN_LIB_PLAN_H
#define SCRIPT_PLAN_LIB_PLAN_H
/* core.plan(node) and its userdata. */
#include "plan/plan.h"
#include <lua.h>

/* The plan of the userdata at index; raises when it is none. It lives as long as the userdata. */
const struct plan *lib_plan_check(lua_State *L, int index);
void lib_plan_add(lua_State *L); /* adds plan() to the table on top */
#endif
