#include "core/script/runtime/watchdog.c"
#include "spec/core/test.h"

static void compute_us(uint64_t us)
{
    uint64_t until = thread_cpu_us() + us;
    while (thread_cpu_us() < until)
        ;
}

TEST("a run that is met again past the limit is ended, and not one that has begun since, or is over")
{
    lua_State *L = luaL_newstate();
    struct engine e = {.running = L};
    dog.limit_us = 3000;
    watchdog_watch(&e);
    watchdog_enter();
    on_tick(WATCH_SIGNAL);
    on_tick(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == NULL);

    compute_us(3000);
    watchdog_leave();
    on_tick(WATCH_SIGNAL);
    watchdog_enter();
    on_tick(WATCH_SIGNAL);
    on_tick(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == NULL);

    compute_us(3000);
    on_tick(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == on_hook);
    watchdog_leave();
    lua_close(L);
}

TEST("the thread's own time brings the tick, and no other time does")
{
    lua_State *L = luaL_newstate();
    struct engine e = {.running = L};
    watchdog_start(10);
    watchdog_watch(&e);
    watchdog_enter();
    usleep(100000);
    CHECK(lua_gethook(L) == NULL);
    for (int i = 0; i < 100 && lua_gethook(L) == NULL; i++)
        compute_us(10000);
    CHECK(lua_gethook(L) == on_hook);

    watchdog_stop();
    lua_sethook(L, NULL, 0, 0);
    compute_us(50000);
    CHECK(lua_gethook(L) == NULL);
    watchdog_leave();
    lua_close(L);
}
