#include "core/script/runtime/watchdog.c"
#include "spec/core/test.h"

TEST("the signal ends the run that it was sent for, and not one that has begun since")
{
    lua_State *L = luaL_newstate();
    struct engine e = {.running = L};
    dog.running = true;
    watchdog_watch(&e);
    watchdog_enter();

    uint64_t entered = atomic_load(&dog.entered_us);
    atomic_store(&dog.meant_us, entered - 1);
    on_signal(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == NULL);

    atomic_store(&dog.meant_us, entered);
    watchdog_leave();
    on_signal(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == NULL);

    atomic_store(&dog.entered_us, entered);
    on_signal(WATCH_SIGNAL);
    CHECK(lua_gethook(L) == on_hook);
    dog.running = false;
    lua_close(L);
}
