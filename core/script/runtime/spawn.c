#include "script/runtime/spawn.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/server.h"
#include "script/json/json.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/error_text.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* A background task costs a coroutine, some kilobytes; who spawns more than this per engine has lost count of them. */
enum { SPAWNED_MAX = 10000, NAME_BYTES_MAX = 64 };
static const double timeout_s_max = 86400 * 366;

/* First the function runs, as one task; then `ended`, when there is one, as another: it can wait whatever ended the first
 * one. */
struct spawned {
    struct list link; /* in engine->spawns */
    struct engine *engine;
    uv_timer_t start;  /* a task cannot begin inside another one */
    struct task *task; /* NULL before it begins */
    lua_Integer id;
    uint64_t timeout_ms; /* 0: none */
    int fn_ref, ended_ref;
    enum task_spawned kind;
    bool cancelled;  /* before it began */
    const char *how; /* the function ended so: what `ended` is called with, and the two texts */
    struct buf error, trace;
    char name[NAME_BYTES_MAX + 1];
};

/* ---- its end ---- */

static const char *how_ended(const struct task *t, enum task_outcome how)
{
    switch (t->cancelled) {
    case TASK_LIVE:
        return how == OUTCOME_OK ? "ok" : "error";
    case TASK_TIMED_OUT:
        return "timeout";
    case TASK_CPU:
        return "cpu";
    case TASK_HEAP:
        return "heap";
    default:
        return "cancelled";
    }
}

static void describe(struct task *t, enum task_outcome how, struct buf *out)
{
    if (t->cancelled == TASK_TIMED_OUT)
        buf_lit(out, "it took longer than it may");
    else if (t->cancelled == TASK_CPU)
        buf_lit(out, "it computed for too long between two waits");
    else if (t->cancelled == TASK_HEAP)
        buf_lit(out, "it needed more memory than a task may have");
    else if (t->cancelled != TASK_LIVE)
        buf_lit(out, "it was cancelled");
    else if (how == OUTCOME_YIELDED)
        buf_lit(out, "it called coroutine.yield outside of a coroutine of its own");
    else
        error_text_of_task(t, out);
}

static void tell_failure(const char *name, const struct buf *error, const struct buf *trace)
{
    struct log_line l;
    if (!log_begin(&l, LOG_ERROR, "background", "background.failed"))
        return;
    log_str(&l, "background", name);
    log_slice(&l, "error", buf_view(error));
    if (trace->n > 0)
        log_slice(&l, "traceback", buf_view(trace));
    log_end(&l);
}

/* What was wrong, when anything was, and the name of how it ended. */
static const char *wind_up(struct task *t, enum task_outcome how, struct buf *error, struct buf *trace)
{
    db_task_end(&t->db);
    if (how == OUTCOME_ERROR && t->cancelled == TASK_LIVE && lua_status(t->co) == LUA_ERRMEM)
        t->cancelled = TASK_HEAP;
    if (how == OUTCOME_OK)
        return "ok";
    describe(t, how, error);
    buf_append(trace, t->trace.p, t->trace.n);
    task_reset(t);
    return how_ended(t, how);
}

void spawn_task_over(struct task *t, enum task_outcome how, const char *name)
{
    struct buf error = BUF_INIT, trace = BUF_INIT;
    wind_up(t, how, &error, &trace);
    if (how != OUTCOME_OK && t->cancelled != TASK_STOPPED)
        tell_failure(name, &error, &trace);
    buf_free(&error);
    buf_free(&trace);
}

static void spawned_free(struct spawned *s)
{
    struct engine *e = s->engine;
    luaL_unref(e->L, LUA_REGISTRYINDEX, s->fn_ref);
    luaL_unref(e->L, LUA_REGISTRYINDEX, s->ended_ref);
    if (s->kind == SPAWN_BACKGROUND)
        e->background--;
    e->spawned--;
    list_remove(&s->link);
    buf_free(&s->error);
    buf_free(&s->trace);
    free(s);
}

/* ---- its beginning ---- */

static void on_start(uv_timer_t *timer);

static void begin_soon(struct spawned *s)
{
    uv_timer_init(s->engine->env->loop, &s->start);
    s->start.data = s;
    uv_timer_start(&s->start, on_start, 0, 0);
    s->engine->live++; /* the engine stays for it */
}

/* The same place is used again for the function that hears of the end. */
static void end_with(struct spawned *s, const char *how)
{
    luaL_unref(s->engine->L, LUA_REGISTRYINDEX, s->fn_ref);
    s->fn_ref = s->ended_ref;
    s->ended_ref = LUA_NOREF;
    s->how = how;
    s->timeout_ms = 0;
    s->task = NULL;
    s->cancelled = false;
    begin_soon(s);
}

static void on_done(struct task *t, enum task_outcome how, void *arg)
{
    struct spawned *s = arg;
    buf_clear(&s->error);
    buf_clear(&s->trace);
    const char *how_name = wind_up(t, how, &s->error, &s->trace);
    if (s->ended_ref != LUA_NOREF) {
        end_with(s, how_name);
    } else {
        if (how != OUTCOME_OK && t->cancelled != TASK_STOPPED)
            tell_failure(s->name, &s->error, &s->trace);
        spawned_free(s);
    }
    task_free(t);
}

void spawn_name_task(struct task *t, enum task_spawned kind, const char *name)
{
    t->spawned = kind;
    t->lasting = true;
    buf_lit(&t->bound, ",\"background\":");
    json_write_string(&t->bound, slice_str(name));
}

static int push_end(struct spawned *s)
{
    lua_State *co = s->task->co;
    if (s->how == NULL)
        return 0;
    lua_pushstring(co, s->how);
    lua_pushlstring(co, s->error.p ? s->error.p : "", s->error.n);
    lua_pushlstring(co, s->trace.p ? s->trace.p : "", s->trace.n);
    return 3;
}

static void begin(struct spawned *s)
{
    struct engine *e = s->engine;
    struct task *t = task_new(e);
    e->live--; /* the place that was held for it */
    s->task = t;
    spawn_name_task(t, s->kind, s->name);
    if (s->timeout_ms != 0)
        wheel_set(e->env->wheel, &t->timer, s->timeout_ms);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, s->fn_ref);
    task_start(t, push_end(s), on_done, s);
}

static void on_closed(uv_handle_t *h)
{
    struct spawned *s = h->data;
    struct engine *e = s->engine;
    bool dropped = s->cancelled || (s->kind == SPAWN_BACKGROUND && e->background_over);
    if (!dropped) {
        begin(s);
        return;
    }
    if (s->ended_ref != LUA_NOREF)
        end_with(s, "cancelled");
    else
        spawned_free(s);
    e->live--;
    engine_settle(e);
}

static void on_start(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, on_closed);
}

/* ---- for Lua ---- */

static int ref_function(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TFUNCTION);
    lua_pushvalue(L, index);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

struct spawn_opts {
    bool finish;
    double timeout_s;
    bool has_ended; /* the function is left on the stack, on top */
};

static struct spawn_opts check_opts(lua_State *L, int arg)
{
    struct spawn_opts o = {0};
    if (lua_isnoneornil(L, arg))
        return o;
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_getfield(L, arg, "finish");
    o.finish = lua_toboolean(L, -1);
    lua_getfield(L, arg, "timeout");
    o.timeout_s = luaL_optnumber(L, -1, 0);
    luaL_argcheck(L, o.timeout_s >= 0 && o.timeout_s <= timeout_s_max, arg, "timeout is in seconds");
    o.has_ended = lua_getfield(L, arg, "ended") != LUA_TNIL;
    luaL_argcheck(L, !o.has_ended || (o.finish && lua_isfunction(L, -1)), arg,
                  "ended is a function, for what has finish = true");
    return o;
}

/* spawn(fn, name[, {finish = boolean, timeout = seconds, ended = function(how, error, traceback)}]) -> id */
static int l_spawn(lua_State *L)
{
    struct engine *e = engine_of(L);
    size_t n;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *name = luaL_checklstring(L, 2, &n);
    luaL_argcheck(L, n > 0 && n <= NAME_BYTES_MAX, 2, "1 to 64 bytes");
    struct spawn_opts o = check_opts(L, 3);
    if (e->loading)
        return luaL_error(L, "core.spawn: nothing runs while the application loads: call it in app:on_load");
    if (e->spawned >= SPAWNED_MAX)
        return luaL_error(L, "core.spawn: %d tasks were spawned and none of them has ended", SPAWNED_MAX);
    int ended_ref = o.has_ended ? ref_function(L, -1) : LUA_NOREF;
    int fn_ref = ref_function(L, 1);
    struct spawned *s = mem_zalloc(sizeof *s);
    *s = (struct spawned){.engine = e, .fn_ref = fn_ref, .ended_ref = ended_ref, .id = ++e->spawn_id};
    s->kind = o.finish ? SPAWN_FINISHES : SPAWN_BACKGROUND;
    s->timeout_ms = (uint64_t)(o.timeout_s * 1000 + 0.5);
    memcpy(s->name, name, n);
    list_push_back(&e->spawns, &s->link);
    e->spawned++;
    e->background += s->kind == SPAWN_BACKGROUND;
    begin_soon(s);
    lua_pushinteger(L, s->id);
    return 1;
}

/* cancel(id) -> whether it was still there. It ends at its wait, a little later. */
static int l_cancel(lua_State *L)
{
    struct engine *e = engine_of(L);
    lua_Integer id = luaL_checkinteger(L, 1);
    for (struct list *l = e->spawns.next; l != &e->spawns; l = l->next) {
        struct spawned *s = LIST_OF(l, struct spawned, link);
        if (s->id != id || s->how != NULL)
            continue;
        if (s->task == NULL)
            s->cancelled = true;
        else
            task_cancel(s->task, TASK_STOPPED);
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    return 1;
}

/* ending() -> whether this code was replaced, or the process stops: no time to take something new on. */
static int l_ending(lua_State *L)
{
    const struct engine *e = engine_of(L);
    lua_pushboolean(L, e->background_over || (e->env->server != NULL && server_is_draining(e->env->server)));
    return 1;
}

void spawn_end_background(struct engine *e)
{
    e->background_over = true;
    for (struct list *l = e->tasks.next; l != &e->tasks; l = l->next) {
        struct task *t = LIST_OF(l, struct task, link);
        if (t->spawned == SPAWN_BACKGROUND)
            task_cancel(t, TASK_STOPPED);
    }
}

static const luaL_Reg functions[] = {{"spawn", l_spawn}, {"cancel", l_cancel}, {"ending", l_ending}, {NULL, NULL}};

void lib_spawn_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
