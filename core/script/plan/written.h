#ifndef SCRIPT_PLAN_WRITTEN_H
#define SCRIPT_PLAN_WRITTEN_H
/* Rows that will be written by a plan of their own: what db.json returns. The encoders write it where it stands, and do not
 * hold it against another plan. */
#include "base/buf.h"
#include "base/error.h"
#include <lua.h>

/* (plan, rows) -> the userdata. A Lua function: plan:rows(rows). */
int plan_written_new(lua_State *L);
/* 1: the value at index is one and has been appended; 0: it is something else; -1: it breaks its plan, with the reason. */
int plan_written_encode(lua_State *L, int index, struct buf *out, char err[static ERR_MAX]);
#endif
