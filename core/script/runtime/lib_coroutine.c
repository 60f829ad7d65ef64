/* coroutine.resume, wrap and close, pcall and xpcall, for a state whose C functions wait by yielding through everything.
 *
 * A wait inside a handler's own coroutine must reach the loop: resume sees that the yield was script_wait's and yields on
 * from the coroutine that called it, and goes on with the inner one when the loop comes back. A cancelled task must end:
 * whatever catches an error looks whether the task was cancelled, and raises again. */
#include "script/runtime/lib_coroutine.h"

#include "script/runtime/engine.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

static const char waiting_key; /* registry: table, address of a coroutine -> true while the loop owes it a resume */

static void mark_waiting(lua_State *L, const lua_State *co, bool on)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    if (on)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
    lua_rawsetp(L, -2, co);
    lua_pop(L, 1);
}

void lib_coroutine_reserve(lua_State *L, const lua_State *co, bool on)
{
    mark_waiting(L, co, on);
}

static bool is_waiting(lua_State *L, const lua_State *co)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    bool yes = lua_rawgetp(L, -1, co) != LUA_TNIL;
    lua_pop(L, 2);
    return yes;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx);

/* Runs co, which is marked as waiting, with its n arguments. Returns the number of results that it left on co, -1 for an
 * error (the value on co), and does not return when co waits for the loop: L yields then, and resume_k goes on. */
static int run_marked(lua_State *L, lua_State *co, int n)
{
    struct engine *e = engine_of(L);
    struct task *t = e->current;
    int results = 0;
    if (t != NULL) {
        t->chain[t->chain_n++] = L;
        e->running = co;
    }
    e->host_yield = false;
    int status = lua_resume(co, L, n, &results);
    if (t != NULL) {
        t->chain_n--;
        e->running = L;
        if (lua_gethook(co) != NULL)
            lua_sethook(co, NULL, 0, 0);
    }
    if (status == LUA_YIELD && e->host_yield)
        return lua_yieldk(L, 0, (lua_KContext)co, resume_k);
    mark_waiting(L, co, false);
    if (status != LUA_OK && status != LUA_YIELD) {
        task_check_cancelled(L);
        return -1;
    }
    return results;
}

/* Marked before it runs: that may raise for want of memory, and once it waits something comes back that must find it. */
static int run(lua_State *L, lua_State *co, int n)
{
    const struct task *t = engine_of(L)->current;
    if (t != NULL && t->chain_n == TASK_CHAIN_MAX)
        return luaL_error(L, "too many coroutines inside each other (%d)", TASK_CHAIN_MAX);
    mark_waiting(L, co, true);
    return run_marked(L, co, n);
}

static bool is_wrap(lua_State *L)
{
    return lua_islightuserdata(L, lua_upvalueindex(2));
}

/* The error value is on top of L. */
static int deliver_error(lua_State *L)
{
    if (!is_wrap(L)) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Runs the <close> variables of co; an error value stays on top of it. */
static int reset(lua_State *L, lua_State *co)
{
    struct engine *e = engine_of(L);
    lua_State *running = e->running;
    e->running = e->current != NULL ? co : NULL; /* that is where the watchdog must look */
    int status = lua_resetthread(co);
    e->running = running;
    lua_sethook(co, NULL, 0, 0);
    task_check_cancelled(L);
    return status;
}

/* What resume and wrap return once the coroutine stopped. */
static int deliver(lua_State *L, lua_State *co, int results)
{
    bool wrap = is_wrap(L);
    if (results < 0) {
        if (wrap)
            reset(L, co);
        lua_xmove(co, L, 1);
        return deliver_error(L);
    }
    luaL_checkstack(L, results + 1, "too many results of a coroutine");
    if (!wrap)
        lua_pushboolean(L, 1);
    lua_xmove(co, L, results);
    return wrap ? results : results + 1;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_State *co = (lua_State *)ctx;
    return deliver(L, co, run_marked(L, co, 0));
}

/* Running, or between a running one and the loop. */
static bool is_active(lua_State *co)
{
    return lua_status(co) == LUA_OK && lua_getstack(co, 0, &(lua_Debug){0});
}

static int start(lua_State *L, lua_State *co, int n)
{
    const char *why = NULL;
    if (!lua_checkstack(co, n + 1))
        why = "too many arguments to resume";
    else if (co == L || is_active(co))
        why = "cannot resume non-suspended coroutine";
    else if (lua_status(co) == LUA_OK && lua_gettop(co) == 0)
        why = "cannot resume dead coroutine";
    else if (is_waiting(L, co))
        why = "cannot resume a coroutine that waits for the host";
    if (why != NULL) {
        lua_pushstring(L, why);
        return deliver_error(L);
    }
    lua_xmove(L, co, n);
    return deliver(L, co, run(L, co, n));
}

static int l_resume(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co != NULL, 1, "coroutine");
    return start(L, co, lua_gettop(L) - 1);
}

static int l_wrapped(lua_State *L)
{
    return start(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L));
}

static int l_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushlightuserdata(L, (void *)&waiting_key);
    lua_pushcclosure(L, l_wrapped, 2);
    return 1;
}

static int l_close(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co != NULL, 1, "coroutine");
    if (co == L || is_active(co))
        return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
    if (is_waiting(L, co))
        return luaL_error(L, "cannot close a coroutine that waits for the host");
    bool ok = reset(L, co) == LUA_OK;
    lua_pushboolean(L, ok);
    if (ok)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

/* ---- protected calls ---- */

/* Lua limits how deep its C stack goes, but an error gives it back while the frames above it stay: a function that calls
 * itself in a pcall, and again when that failed, could pile up 100,000 of them. Each error on the way out looks at every
 * frame below it, which took minutes, in C, where nothing can stop it; 10,000 frames take a tenth of a second. */
enum { PROTECTED_DEPTH_MAX = 10000 };

static void check_depth(lua_State *L)
{
    if (lua_getstack(L, PROTECTED_DEPTH_MAX, &(lua_Debug){0}))
        luaL_error(L, "stack overflow (a protected call below %d others)", PROTECTED_DEPTH_MAX);
}

static int pcall_k(lua_State *L, int status, lua_KContext extra)
{
    if (status != LUA_OK && status != LUA_YIELD) {
        task_check_cancelled(L);
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)extra;
}

static int l_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    check_depth(L);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, pcall_k);
    return pcall_k(L, status, 0);
}

static int l_xpcall(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    check_depth(L);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments... */
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, pcall_k);
    return pcall_k(L, status, 2);
}

void lib_coroutine_install(lua_State *L)
{
    static const luaL_Reg functions[] = {{"close", l_close}, {"resume", l_resume}, {"wrap", l_wrap}, {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_getglobal(L, "coroutine");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
    lua_register(L, "pcall", l_pcall);
    lua_register(L, "xpcall", l_xpcall);
}
