#ifndef SCRIPT_PLAN_BUILD_H
#define SCRIPT_PLAN_BUILD_H
/* From the node tables of neap.schema to plans. */
#include "plan/plan.h"
#include <lua.h>

/* Builds the plan of the node table at index. Raises with a reason that names the place; the plan is freed then. */
struct plan *plan_build(lua_State *L, int index);
#endif
