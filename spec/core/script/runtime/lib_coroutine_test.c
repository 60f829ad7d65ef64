#include "core/script/runtime/lib_coroutine.c"
#include "spec/core/test.h"
#include <lualib.h>
#include <stdlib.h>

static bool is_exhausted;

static void *allocate(void *ud, void *p, size_t old, size_t n)
{
    (void)ud;
    if (n == 0) {
        free(p);
        return NULL;
    }
    return is_exhausted && (p == NULL || n > old) ? NULL : realloc(p, n);
}

/* What is awaited here is under way, and there is no memory from now on. */
static int await(lua_State *L)
{
    engine_of(L)->host_yield = true;
    is_exhausted = true;
    return lua_yield(L, 0);
}

static const char waits_inside[] = "local co = coroutine.create(function() await() return 'awaited' end) "
                                   "return pcall(coroutine.resume, co)";

TEST("a coroutine that waits is waited for, though there is no memory by then")
{
    struct engine e = {0};
    lua_State *L = lua_newstate(allocate, NULL);
    *(struct engine **)lua_getextraspace(L) = &e;
    luaL_openlibs(L);
    lib_coroutine_install(L);
    lua_register(L, "await", await);
    lua_State *handler = lua_newthread(L);
    CHECK_INT(luaL_loadstring(handler, waits_inside), LUA_OK);

    int n;
    CHECK_INT(lua_resume(handler, NULL, 0, &n), LUA_YIELD);
    is_exhausted = false;
    CHECK_INT(lua_resume(handler, NULL, 0, &n), LUA_OK);
    CHECK_INT(n, 3);
    const char *got = lua_tostring(handler, -1);
    CHECK_STR(got, strlen(got), "awaited");
    lua_close(L);
}
