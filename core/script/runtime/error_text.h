#ifndef SCRIPT_RUNTIME_ERROR_TEXT_H
#define SCRIPT_RUNTIME_ERROR_TEXT_H
/* The text of a Lua error value, whatever it is: its __tostring may fail, nil and tables have none. */
#include "base/buf.h"
#include <lua.h>

struct task;

void error_text(lua_State *L, int index, struct buf *out); /* appends; never raises */
/* Of the error value on top of t->co, which is taken off. The task has ended. */
void error_text_of_task(struct task *t, struct buf *out);
#endif
