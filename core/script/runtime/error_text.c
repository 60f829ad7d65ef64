#include "script/runtime/error_text.h"

#include "script/runtime/engine.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

/* (error value) -> its text */
static int to_string(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

void error_text(lua_State *L, int index, struct buf *out)
{
    index = lua_absindex(L, index);
    lua_pushcfunction(L, to_string);
    lua_pushvalue(L, index);
    size_t n;
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        buf_lit(out, "(an error value that cannot be shown: its __tostring fails)");
    } else {
        const char *s = lua_tolstring(L, -1, &n);
        buf_append(out, s, n);
    }
    lua_pop(L, 1);
}

void error_text_of_task(struct task *t, struct buf *out)
{
    lua_State *L = t->engine->L;
    lua_checkstack(L, LUA_MINSTACK);
    lua_xmove(t->co, L, 1);
    task_enter(t, L);
    error_text(L, -1, out);
    task_leave(t, L);
    lua_pop(L, 1);
}
