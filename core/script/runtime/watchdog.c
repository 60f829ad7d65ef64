#include "script/runtime/watchdog.h"

#include "base/log.h"
#include "script/runtime/engine.h"
#include "script/runtime/task_internal.h"
#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* TICK_US: of the thread's own time. A run is known for the same one at its second tick, so it ends a tick late at most. */
enum { TICK_US = 20000, TICK_US_MIN = 4000, WATCH_SIGNAL = SIGUSR2 };

/* glibc 2.36 has no name for it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* The process has one thread that runs Lua, and the signal handler runs on it: what they share is atomic for the compiler's
 * sake. This is not part of any engine. */
static struct {
    timer_t timer;
    bool running;
    uint64_t limit_us;
    uint64_t runs;
    _Atomic uint64_t run; /* the number of the present one; 0: no Lua runs */
    _Atomic(struct engine *) engine;
    uint64_t seen, cpu_at_seen; /* the tick handler's: the run that it found, and the thread's time then */
    atomic_int interrupted;     /* a signal whose hook has not run yet; 0: a hook is the limit's */
} dog;

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

/* Between two instructions of the loop's thread; lua_sethook may be called there (lua.h). */
static void set_hook(void)
{
    struct engine *e = atomic_load(&dog.engine);
    /* In this order: an engine that is not entered may be gone. */
    if (atomic_load(&dog.run) != 0 && e != NULL && e->running != NULL)
        lua_sethook(e->running, on_hook, LUA_MASKCOUNT, 1);
}

static uint64_t thread_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void on_tick(int sig)
{
    (void)sig;
    uint64_t run = atomic_load(&dog.run), cpu = thread_cpu_us();
    if (run == 0 || run != dog.seen) {
        dog.seen = run;
        dog.cpu_at_seen = cpu;
    } else if (cpu - dog.cpu_at_seen >= dog.limit_us) {
        set_hook();
    }
}

void watchdog_interrupt(int signal)
{
    atomic_store(&dog.interrupted, signal);
    set_hook();
}

static void set_timer(uint64_t tick_us)
{
    struct timespec tick = {(time_t)(tick_us / 1000000u), (long)(tick_us % 1000000u) * 1000};
    struct itimerspec each = {tick, tick};
    timer_settime(dog.timer, 0, &each, NULL);
}

void watchdog_start(uint64_t cpu_ms_max)
{
    if (cpu_ms_max == 0 || dog.running)
        return;
    struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct sigevent to_loop = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = WATCH_SIGNAL};
    to_loop.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    sigemptyset(&sa.sa_mask);
    sigaction(WATCH_SIGNAL, &sa, NULL);
    dog.limit_us = cpu_ms_max * 1000u;
    dog.running = timer_create(CLOCK_THREAD_CPUTIME_ID, &to_loop, &dog.timer) == 0;
    if (!dog.running) {
        log_note(LOG_ERROR, "host", "HANDLER_CPU cannot be watched", "error", strerror(errno));
        return;
    }
    uint64_t tick_us = dog.limit_us / 4;
    set_timer(tick_us > TICK_US ? TICK_US : tick_us < TICK_US_MIN ? TICK_US_MIN : tick_us);
}

void watchdog_stop(void)
{
    if (!dog.running)
        return;
    timer_delete(dog.timer);
    dog.running = false;
}

void watchdog_watch(struct engine *e)
{
    atomic_store_explicit(&dog.engine, e, memory_order_relaxed);
}

void watchdog_enter(void)
{
    atomic_store_explicit(&dog.run, ++dog.runs, memory_order_relaxed);
}

void watchdog_leave(void)
{
    atomic_store_explicit(&dog.run, 0, memory_order_relaxed);
}
