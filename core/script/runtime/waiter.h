#ifndef SCRIPT_RUNTIME_WAITER_H
#define SCRIPT_RUNTIME_WAITER_H
/* One task that waits for one thing of neap.core.os, with a deadline. Embedded in what it waits for. */
#include "base/wheel.h"
#include "script/runtime/task.h"

struct waiter {
    struct task *task;   /* borrowed; NULL: nobody waits */
    struct wheel *wheel; /* borrowed from the process, outlives every engine */
    struct wheel_timer deadline;
    script_push_fn push; /* makes the results, on time or too late */
    void *arg;
    void (*on_give_up)(void *arg); /* the task was cancelled: stop the work; NULL when there is none to stop */
    bool timed_out;
    bool to_end; /* a task that was cancelled waits on: half done would be worse */
};

void waiter_init(struct waiter *w, struct wheel *wheel);
static inline bool waiter_is_set(const struct waiter *w)
{
    return w->task != NULL;
}
/* The value must be returned from the lua_CFunction. Raises when a task waits here already. An infinite number of
 * seconds is no deadline: for what a person ends. */
int waiter_start(lua_State *L, struct waiter *w, const char *what, double seconds);
/* What was waited for is there, or failed: the push function tells. May run any Lua: last line. Fine when nobody waits. */
void waiter_end(struct waiter *w);
/* Seconds as an argument or a field: a number from 0 up, else raises. */
double waiter_check_seconds(lua_State *L, int arg, double otherwise);
#endif
