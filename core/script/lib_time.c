#include "base/clock.h"
#include "base/mem.h"
#include "script/lib_core.h"
#include "script/runtime/env.h"
#include "script/runtime/task.h"
#include <lauxlib.h>
#include <stdlib.h>

enum { SLEEP_S_MAX = 86400 };

/* A nap has a timer of its own: the wheel's ticks are too coarse to sleep by. */
struct nap {
    uv_timer_t timer;
    struct task *task;
};

static void on_nap_closed(uv_handle_t *h)
{
    free(h->data);
}

static int push_nothing(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static void on_nap(uv_timer_t *timer)
{
    struct nap *nap = timer->data;
    struct task *task = nap->task;
    uv_close((uv_handle_t *)timer, on_nap_closed);
    script_resume(task, push_nothing, NULL);
}

static bool cancel_nap(void *arg)
{
    struct nap *nap = arg;
    uv_close((uv_handle_t *)&nap->timer, on_nap_closed);
    return true;
}

static int l_sleep(lua_State *L)
{
    struct task *task = script_task(L);
    lua_Number s = luaL_checknumber(L, 1);
    luaL_argcheck(L, s >= 0 && s <= SLEEP_S_MAX, 1, "seconds, from 0 to a day");
    struct nap *nap = mem_alloc(sizeof *nap);
    nap->task = task;
    nap->timer.data = nap;
    uv_timer_init(engine_env(L)->loop, &nap->timer);
    nap->timer.data = nap;
    uv_timer_start(&nap->timer, on_nap, (uint64_t)(s * 1000 + 0.5), 0);
    return script_wait(L, "sleep", cancel_nap, nap);
}

static int l_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_wall_us() / 1e6);
    return 1;
}

static int l_monotonic(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_monotonic_us() / 1e6);
    return 1;
}

static const luaL_Reg functions[] = {{"now", l_now}, {"monotonic", l_monotonic}, {"sleep", l_sleep}, {NULL, NULL}};

void lib_time_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
