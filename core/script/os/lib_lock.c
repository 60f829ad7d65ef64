/* A lock between commands: flock() on a file that is made when it is missing and stays. The kernel lets it go when the
 * process ends, however it ends. */
#include "base/mem.h"
#include "script/os/lib_os.h"
#include "script/runtime/env.h"
#include "script/runtime/waiter.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_TYPE "neap.os.lock"

enum { ASK_AGAIN_MS = 100, LOCK_FILE_MODE = 0600 };
static const double lock_seconds = 60;

struct lock { /* the userdata */
    int fd;   /* -1: not ours */
};

struct asking { /* somebody else has it; flock() would block the loop, so it is asked again */
    struct waiter waiter;
    struct wheel_timer again;
    struct lock *lock; /* borrowed: on the waiting function's stack */
};

static int l_unlock(lua_State *L)
{
    struct lock *lock = luaL_checkudata(L, 1, LOCK_TYPE);
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
    return 0;
}

static struct lock *push_lock(lua_State *L)
{
    static const luaL_Reg methods[] = {{"unlock", l_unlock}, {"__gc", l_unlock}, {"__close", l_unlock}, {NULL, NULL}};
    struct lock *lock = lua_newuserdatauv(L, sizeof(*lock), 0);
    lock->fd = -1;
    if (luaL_newmetatable(L, LOCK_TYPE)) {
        luaL_setfuncs(L, methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    return lock;
}

static void ask(struct wheel_timer *t)
{
    struct asking *a = LIST_OF(t, struct asking, again);
    if (flock(a->lock->fd, LOCK_EX | LOCK_NB) == 0)
        waiter_end(&a->waiter);
    else
        wheel_set(a->waiter.wheel, &a->again, ASK_AGAIN_MS);
}

static void stop_asking(void *arg)
{
    struct asking *a = arg;
    wheel_clear(a->waiter.wheel, &a->again);
    free(a);
}

/* The lock is at index 1. */
static int push_asked(lua_State *L, void *arg)
{
    struct asking *a = arg;
    bool timed_out = a->waiter.timed_out;
    stop_asking(a);
    if (timed_out) {
        l_unlock(L);
        lua_pushnil(L);
        lua_pushliteral(L, "timeout");
        return 2;
    }
    lua_pushvalue(L, 1);
    return 1;
}

static int l_lock(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    double seconds = waiter_check_seconds(L, 2, lock_seconds);
    (void)script_task(L);
    struct lock *lock = push_lock(L);
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_FILE_MODE);
    if (lock->fd < 0)
        return luaL_fileresult(L, 0, path);
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
        return 1;
    if (errno != EWOULDBLOCK)
        return luaL_fileresult(L, 0, path);
    lua_insert(L, 1);

    const struct script_env *env = engine_env(L);
    struct asking *a = mem_zalloc(sizeof(*a));
    a->lock = lock;
    waiter_init(&a->waiter, env->wheel);
    a->waiter.push = push_asked;
    a->waiter.arg = a;
    a->waiter.on_give_up = stop_asking;
    wheel_timer_init(&a->again, ask);
    wheel_set(env->wheel, &a->again, ASK_AGAIN_MS);
    return waiter_start(L, &a->waiter, "os.lock", seconds);
}

const luaL_Reg lib_lock_functions[] = {{"lock", l_lock}, {NULL, NULL}};
