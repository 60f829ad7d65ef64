#ifndef SCRIPT_RUNTIME_ENGINE_H
#define SCRIPT_RUNTIME_ENGINE_H
/* An engine as far as running Lua goes: its state, its tasks and what runs now. What requests have of it besides is in
 * script/request/service.h. */
#include "base/buf.h"
#include "base/list.h"
#include "script/runtime/heap.h"
#include "script/runtime/userdata.h"
#include <lua.h>
#include <stdbool.h>

struct script_env;
struct task;

struct engine {
    struct heap heap;             /* of L */
    lua_State *L;                 /* owned; its extra space, and that of every coroutine, holds the engine */
    const struct script_env *env; /* borrowed from the worker */
    struct list link;             /* in env->engines */
    size_t heap_bytes;            /* of the whole state */
    size_t results_bytes;         /* of database results that Lua's collector was not told of yet */
    struct userdata_classes classes;
    int cancelled_value;               /* registry reference: what is raised in a task that is being cancelled */
    bool loading;                      /* routes may be declared, nothing can be spawned */
    bool retired;                      /* the owner's count is dropped */
    bool held;                         /* somebody (the owner or a request) still counts the routes */
    void (*on_over)(struct engine *e); /* frees it */

    struct list tasks;          /* live ones */
    struct list spare;          /* ended ones, to be used again */
    unsigned live, spare_count; /* live: also those that were spawned and have not begun */
    struct task *current;       /* whose Lua runs now */
    lua_State *running;         /* the coroutine that runs now, for the watchdog; it may be a handler's own */
    bool host_yield;            /* the last yield was script_wait's */

    struct list spawns;           /* what core.spawn made */
    unsigned spawned, background; /* of live: all that core.spawn made, and those that end with the engine */
    lua_Integer spawn_id;         /* of the last one */
    bool background_over;         /* no background task begins any more */

    int interrupted;           /* the signal that ended the command; 0: none did */
    struct buf interrupted_at; /* its traceback */
};

static inline struct engine *engine_of(lua_State *L)
{
    return *(struct engine **)lua_getextraspace(L);
}

/* Frees the engine when it is retired and nothing of it is alive. The caller must not touch it afterwards. */
static inline void engine_settle(struct engine *e)
{
    if (e->retired && !e->held && e->live == 0)
        e->on_over(e);
}
#endif
