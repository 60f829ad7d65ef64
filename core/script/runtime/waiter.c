#include "script/runtime/waiter.h"
#include <lauxlib.h>

/* A year: far over any wait and far under what overflows in milliseconds. */
static const double seconds_max = 366.0 * 86400;

static void on_deadline(struct wheel_timer *t)
{
    struct waiter *w = LIST_OF(t, struct waiter, deadline);
    w->timed_out = true;
    waiter_end(w);
}

void waiter_init(struct waiter *w, struct wheel *wheel)
{
    *w = (struct waiter){.wheel = wheel};
    wheel_timer_init(&w->deadline, on_deadline);
}

static void detach(struct waiter *w)
{
    w->task = NULL;
    wheel_clear(w->wheel, &w->deadline);
}

static bool on_cancel(void *arg)
{
    struct waiter *w = arg;
    if (w->to_end)
        return false;
    detach(w);
    if (w->on_give_up)
        w->on_give_up(w->arg);
    return true;
}

int waiter_start(lua_State *L, struct waiter *w, const char *what, double seconds)
{
    if (w->task)
        return luaL_error(L, "%s: another task waits for this already", what);
    struct task *task = script_task(L);
    w->task = task;
    w->timed_out = false;
    if (seconds < seconds_max)
        wheel_set(w->wheel, &w->deadline, (uint64_t)(seconds * 1000));
    return script_wait(L, what, on_cancel, w);
}

void waiter_end(struct waiter *w)
{
    struct task *task = w->task;
    if (task == NULL)
        return;
    detach(w);
    script_resume(task, w->push, w->arg);
}

double waiter_check_seconds(lua_State *L, int arg, double otherwise)
{
    double seconds = luaL_optnumber(L, arg, otherwise);
    luaL_argcheck(L, seconds >= 0, arg, "must be seconds, from 0 up");
    return seconds;
}
