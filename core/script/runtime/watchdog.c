#include "script/runtime/watchdog.h"

#include "base/clock.h"
#include "script/runtime/engine.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { POLL_MS = 100, CLOSE_POLL_MS = 10, WATCH_SIGNAL = SIGUSR2 };

/* The process has one loop thread and one watchdog; this is not part of any engine. */
static struct {
    pthread_t loop, thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool running, stop;
    uint64_t limit_us;
    _Atomic uint64_t entered_us; /* 0: no Lua runs */
    _Atomic uint64_t meant_us;   /* of the run that the signal on its way is for: another may have begun when it comes */
    _Atomic(struct engine *) engine;
    atomic_int interrupted; /* a signal whose hook has not run yet; 0: a hook is the limit's */
} dog = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Raises again at every instruction until the task has ended: a pcall in the handler must not win. */
static void on_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct task *t = engine_of(L)->current;
    if (t == NULL) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (t->cancelled == TASK_LIVE)
        luaL_traceback(L, L, NULL, 0);
    else
        lua_pushliteral(L, "");
    if (t->trace.n == 0)
        buf_append(&t->trace, lua_tostring(L, -1), lua_rawlen(L, -1));
    lua_pop(L, 1);
    int signal = atomic_exchange(&dog.interrupted, 0);
    if (signal != 0)
        engine_of(L)->interrupted = signal;
    if (t->cancelled == TASK_LIVE)
        t->cancelled = signal != 0 ? TASK_STOPPED : TASK_CPU;
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine_of(L)->cancelled_value);
    lua_error(L);
}

/* On the loop's thread, between two of its instructions; lua_sethook may be called there (lua.h). */
static void set_hook(void)
{
    struct engine *e = atomic_load(&dog.engine);
    /* In this order: an engine that is not entered may be gone. */
    if (atomic_load(&dog.entered_us) != 0 && e != NULL && e->running != NULL)
        lua_sethook(e->running, on_hook, LUA_MASKCOUNT, 1);
}

static void on_signal(int sig)
{
    (void)sig;
    if (atomic_load(&dog.entered_us) == atomic_load(&dog.meant_us))
        set_hook();
}

void watchdog_interrupt(int signal)
{
    atomic_store(&dog.interrupted, signal);
    set_hook();
}

static uint64_t thread_cpu_us(clockid_t clock)
{
    struct timespec ts;
    if (clock_gettime(clock, &ts) != 0)
        return 0;
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void nap(unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&dog.wake, &dog.mutex, &until);
}

static void *watch(void *arg)
{
    (void)arg;
    clockid_t loop_clock;
    bool has_clock = pthread_getcpuclockid(dog.loop, &loop_clock) == 0;
    uint64_t seen = 0, cpu_at_seen = 0;
    pthread_mutex_lock(&dog.mutex);
    while (!dog.stop) {
        uint64_t entered = atomic_load(&dog.entered_us);
        if (entered == 0 || entered != seen) {
            seen = entered;
            cpu_at_seen = has_clock ? thread_cpu_us(loop_clock) : 0;
            nap(POLL_MS);
            continue;
        }
        /* Wall time since the run began, less what the thread was not running since we first saw it: a busy machine
         * does not make a handler guilty. */
        uint64_t cpu = has_clock ? thread_cpu_us(loop_clock) - cpu_at_seen : UINT64_MAX;
        bool late = clock_monotonic_us() - entered >= dog.limit_us;
        if (late && (cpu == UINT64_MAX || cpu + POLL_MS * 1000u >= dog.limit_us)) {
            atomic_store(&dog.meant_us, entered);
            pthread_kill(dog.loop, WATCH_SIGNAL);
        }
        nap(CLOSE_POLL_MS);
    }
    pthread_mutex_unlock(&dog.mutex);
    return NULL;
}

void watchdog_start(uint64_t cpu_ms_max)
{
    if (cpu_ms_max == 0 || dog.running)
        return;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(WATCH_SIGNAL, &sa, NULL);
    dog.loop = pthread_self();
    dog.limit_us = cpu_ms_max * 1000u;
    dog.stop = false;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the loop's */
    dog.running = pthread_create(&dog.thread, &attr, watch, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
}

void watchdog_stop(void)
{
    if (!dog.running)
        return;
    pthread_mutex_lock(&dog.mutex);
    dog.stop = true;
    pthread_cond_signal(&dog.wake);
    pthread_mutex_unlock(&dog.mutex);
    pthread_join(dog.thread, NULL);
    dog.running = false;
}

void watchdog_watch(struct engine *e)
{
    atomic_store_explicit(&dog.engine, e, memory_order_relaxed);
}

void watchdog_enter(void)
{
    atomic_store_explicit(&dog.entered_us, dog.running ? clock_monotonic_us() : 1, memory_order_relaxed);
}

void watchdog_leave(void)
{
    atomic_store_explicit(&dog.entered_us, 0, memory_order_relaxed);
}
