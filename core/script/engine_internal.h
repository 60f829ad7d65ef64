#ifndef SCRIPT_ENGINE_INTERNAL_H
#define SCRIPT_ENGINE_INTERNAL_H
/* The engine from inside the ring: for the files that run tasks and for the libraries that Lua calls. */
#include "base/buf.h"
#include "base/list.h"
#include "script/engine.h"
#include "script/heap.h"
#include "script/operation.h"
#include "script/reply.h"
#include <lua.h>

struct auth;
struct task;

struct engine {
    struct heap heap;             /* of L */
    lua_State *L;                 /* owned; its extra space, and that of every coroutine, holds the engine */
    const struct script_env *env; /* borrowed from the worker */
    struct route_table *routes;   /* counted once for the engine until it is retired */
    struct list link;             /* in env->engines */
    struct list tasks;            /* live ones */
    struct list listeners;        /* of db.listen, that are open */
    unsigned listeners_n;
    struct list outlets;          /* answers that outlived their handlers */
    struct list spawns;           /* what core.spawn made */
    struct list spare;            /* ended ones, to be used again */
    unsigned live, spare_count;   /* live: also those that were spawned and have not begun */
    unsigned spawned, background; /* of live: all that core.spawn made, and those that end with the engine */
    lua_Integer spawn_id;         /* of the last one */
    bool loading;                 /* routes may be declared */
    bool background_over;         /* no background task begins any more */
    bool retired;                 /* the owner's count is dropped */
    bool routes_held;             /* somebody (the owner or a request) still counts the routes */
    struct task *current;         /* whose Lua runs now */
    lua_State *running;           /* the coroutine that runs now, for the watchdog; it may be a handler's own */
    bool host_yield;              /* the last yield was script_wait's */
    struct operations operations; /* what the routes mean, by their numbers */
    struct auth *auth;            /* owned; NULL: nobody can sign in */
    int name_outsider;            /* registry reference: names the user behind an issuer's subject, or LUA_NOREF */
    int error_mapper;             /* registry reference, or LUA_NOREF */
    int cancelled_value;          /* registry reference: what is raised in a task that is being cancelled */
    size_t heap_bytes;            /* of the whole state */
    struct reply reply;           /* of the task that ends now */
    struct buf scratch;           /* body bytes of that reply */
    struct buf scratch_headers;
};

static inline struct engine *engine_of(lua_State *L)
{
    return *(struct engine **)lua_getextraspace(L);
}
const struct script_env *engine_env(lua_State *L);
/* Frees the engine when it is retired and nothing of it is alive. The caller must not touch it afterwards. */
void engine_settle(struct engine *e);
/* "lua/app/tasks/rules.lua:12" of the innermost Lua function, "" when there is none. */
enum { WHERE_MAX = 160 };
void engine_where(lua_State *L, char out[static WHERE_MAX]);
#endif
