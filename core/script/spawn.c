#include "script/spawn.h"

#include "base/log.h"
#include "base/mem.h"
#include "script/db_listen.h"
#include "script/engine_internal.h"
#include "script/fault.h"
#include "script/json.h"
#include "script/lib_core.h"
#include "script/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* A background task costs a coroutine, some kilobytes; who spawns more than this per engine has lost count of them. */
enum { SPAWNED_MAX = 10000, NAME_BYTES_MAX = 64 };

struct spawned {
    struct engine *engine;
    uv_timer_t start; /* a task cannot begin inside another one */
    int fn_ref;
    enum task_spawned kind;
    char name[NAME_BYTES_MAX + 1];
};

static const char *reason(const struct task *t)
{
    return t->cancelled == TASK_CPU    ? "it computed for too long between two waits"
           : t->cancelled == TASK_HEAP ? "it needed more memory than a task may have"
                                       : "it called coroutine.yield outside of a coroutine of its own";
}

static void tell_failure(struct task *t, enum task_outcome how, const char *name)
{
    struct buf text = BUF_INIT;
    struct log_line l;
    if (how == OUTCOME_ERROR && t->cancelled == TASK_LIVE)
        fault_describe(t, &text);
    else
        buf_append(&text, reason(t), strlen(reason(t)));
    if (log_begin(&l, LOG_ERROR, "background", "background.failed")) {
        log_str(&l, "background", name);
        log_slice(&l, "error", buf_view(&text));
        if (t->trace.n > 0)
            log_slice(&l, "traceback", buf_view(&t->trace));
        log_end(&l);
    }
    buf_free(&text);
}

static void drop(struct spawned *s)
{
    struct engine *e = s->engine;
    if (s->kind == SPAWN_BACKGROUND)
        e->background--;
    e->spawned--;
    free(s);
}

void spawn_task_over(struct task *t, enum task_outcome how, const char *name)
{
    db_task_end(&t->db);
    if (how == OUTCOME_ERROR && t->cancelled == TASK_LIVE && lua_status(t->co) == LUA_ERRMEM)
        t->cancelled = TASK_HEAP;
    if (how != OUTCOME_OK && t->cancelled != TASK_STOPPED)
        tell_failure(t, how, name);
    if (how != OUTCOME_OK)
        task_reset(t);
}

static void on_done(struct task *t, enum task_outcome how, void *arg)
{
    struct spawned *s = arg;
    spawn_task_over(t, how, s->name);
    drop(s);
    task_free(t);
}

void spawn_name_task(struct task *t, enum task_spawned kind, const char *name)
{
    t->spawned = kind;
    buf_lit(&t->bound, ",\"background\":");
    json_write_string(&t->bound, slice_str(name));
}

static void begin(struct spawned *s)
{
    struct engine *e = s->engine;
    struct task *t = task_new(e);
    e->live--; /* the place that was held for it */
    spawn_name_task(t, s->kind, s->name);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, s->fn_ref);
    luaL_unref(e->L, LUA_REGISTRYINDEX, s->fn_ref);
    task_start(t, 0, on_done, s);
}

static void on_closed(uv_handle_t *h)
{
    struct spawned *s = h->data;
    struct engine *e = s->engine;
    if (s->kind != SPAWN_BACKGROUND || !e->background_over) {
        begin(s);
        return;
    }
    luaL_unref(e->L, LUA_REGISTRYINDEX, s->fn_ref);
    e->live--;
    drop(s);
    engine_settle(e);
}

static void on_start(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, on_closed);
}

static enum task_spawned check_kind(lua_State *L, int arg)
{
    bool finishes = false;
    if (!lua_isnoneornil(L, arg)) {
        luaL_checktype(L, arg, LUA_TTABLE);
        lua_getfield(L, arg, "finish");
        finishes = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    return finishes ? SPAWN_FINISHES : SPAWN_BACKGROUND;
}

/* spawn(fn, name[, {finish = boolean}]) */
static int l_spawn(lua_State *L)
{
    struct engine *e = engine_of(L);
    size_t n;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *name = luaL_checklstring(L, 2, &n);
    luaL_argcheck(L, n > 0 && n <= NAME_BYTES_MAX, 2, "1 to 64 bytes");
    enum task_spawned kind = check_kind(L, 3);
    if (e->loading)
        return luaL_error(L, "core.spawn: nothing runs while the application loads: call it in app:on_load");
    if (e->spawned >= SPAWNED_MAX)
        return luaL_error(L, "core.spawn: %d tasks were spawned and none of them has ended", SPAWNED_MAX);
    lua_pushvalue(L, 1);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    struct spawned *s = mem_zalloc(sizeof *s);
    *s = (struct spawned){.engine = e, .fn_ref = ref, .kind = kind};
    memcpy(s->name, name, n);
    uv_timer_init(e->env->loop, &s->start);
    s->start.data = s;
    uv_timer_start(&s->start, on_start, 0, 0);
    e->live++; /* the engine stays for it */
    e->spawned++;
    e->background += kind == SPAWN_BACKGROUND;
    return 0;
}

void spawn_end_background(struct engine *e)
{
    e->background_over = true;
    db_listeners_end(e);
    for (struct list *l = e->tasks.next; l != &e->tasks; l = l->next) {
        struct task *t = LIST_OF(l, struct task, link);
        if (t->spawned == SPAWN_BACKGROUND)
            task_cancel(t, TASK_STOPPED);
    }
}

void lib_spawn_add(lua_State *L)
{
    lua_pushcfunction(L, l_spawn);
    lua_setfield(L, -2, "spawn");
}
