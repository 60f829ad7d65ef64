#include "script/runtime/task_internal.h"

#include "base/mem.h"
#include "http/request.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/lib_coroutine.h"
#include "script/runtime/watchdog.h"
#include "script/runtime/whereabouts.h"
#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* SPARE_MAX: requests at once that find a coroutine ready. SPARE_HEAP_MAX: what made more than that may have a deep
 * stack, and is not kept. */
enum { SPARE_MAX = 256, SPARE_HEAP_MAX = 1 << 20 };

static void resume(struct task *t, int n);
static void stop_wait(struct task *t);
static int task_main(lua_State *L);

static void on_timer(struct wheel_timer *w)
{
    struct task *t = LIST_OF(w, struct task, timer);
    if (t->cancelled == TASK_LIVE) {
        task_cancel(t, TASK_TIMED_OUT);
    } else if (t->stop_due) {
        t->stop_due = false;
        resume(t, 0);
    } else if (t->state == TASK_WAITING) {
        t->grace_over = true;
        stop_wait(t);
    }
}

static struct task *make(struct engine *e)
{
    struct task *t = mem_zalloc(sizeof *t);
    t->engine = e;
    list_init(&t->link);
    wheel_timer_init(&t->timer, on_timer);
    t->co = lua_newthread(e->L);
    t->co_ref = luaL_ref(e->L, LUA_REGISTRYINDEX);
    lib_coroutine_reserve(e->L, t->co, true);
    lua_pushboolean(e->L, 0);
    t->req_ref = luaL_ref(e->L, LUA_REGISTRYINDEX);
    return t;
}

struct task *task_new(struct engine *e)
{
    struct task *t;
    struct list *spare = list_first(&e->spare);
    if (spare != NULL) {
        list_remove(spare);
        e->spare_count--;
        t = LIST_OF(spare, struct task, link);
    } else {
        t = make(e);
    }
    t->state = TASK_READY;
    t->cancelled = TASK_LIVE;
    t->spawned = SPAWN_NOT;
    t->lasting = false;
    t->heap_bytes = 0;
    t->exit_code = 0;
    t->chain_n = 0;
    t->what = NULL;
    t->stop_due = t->wait_cancelled = t->grace_over = false;
    t->docs = NULL;
    t->returned = NULL;
    t->db = (struct db_task){0};
    lua_pushcfunction(t->co, task_main);
    lua_pushcfunction(t->co, task_on_error);
    list_push_back(&e->tasks, &t->link);
    e->live++;
    return t;
}

static void destroy(struct task *t)
{
    lib_coroutine_reserve(t->engine->L, t->co, false);
    luaL_unref(t->engine->L, LUA_REGISTRYINDEX, t->co_ref);
    luaL_unref(t->engine->L, LUA_REGISTRYINDEX, t->req_ref);
    buf_free(&t->trace);
    buf_free(&t->bound);
    free(t);
}

void task_free(struct task *t)
{
    struct engine *e = t->engine;
    assert(t->state == TASK_ENDED);
    wheel_clear(e->env->wheel, &t->timer);
    db_task_end(&t->db);
    t->req = NULL;
    if (t->req_box != NULL) {
        *t->req_box = NULL;
        t->req_box = NULL;
        lua_pushboolean(e->L, 0);
        lua_rawseti(e->L, LUA_REGISTRYINDEX, t->req_ref);
    }
    lua_settop(t->co, 0);
    buf_clear(&t->trace);
    buf_clear(&t->bound);
    list_remove(&t->link);
    e->live--;
    if (e->spare_count < SPARE_MAX && !e->retired && t->heap_bytes < SPARE_HEAP_MAX) {
        list_push_front(&e->spare, &t->link);
        e->spare_count++;
    } else {
        destroy(t);
    }
    engine_settle(e);
}

void task_free_spare(struct engine *e)
{
    struct list *l;
    while ((l = list_first(&e->spare)) != NULL) {
        list_remove(l);
        destroy(LIST_OF(l, struct task, link));
    }
    e->spare_count = 0;
}

/* True for a table whose metatable is named neap.error: raised on purpose, so no traceback is wanted. */
static bool is_expected(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_pushliteral(L, "__name");
    lua_rawget(L, -2);
    bool yes = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "neap.error") == 0;
    lua_pop(L, 2);
    return yes;
}

int task_on_error(lua_State *L)
{
    struct task *t = engine_of(L)->current;
    /* The first traceback is the one of the place: Lua 5.4.4 leaves the message handler of a coroutine set when it is
     * reset, so it may be called again as the error passes the bottom. */
    if (t == NULL || t->trace.n > 0 || is_expected(L, 1))
        return 1;
    luaL_traceback(L, L, NULL, 1);
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    buf_append(&t->trace, s, n);
    lua_pop(L, 1);
    return 1;
}

static int main_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = (struct task *)ctx;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L); /* the value is on top; the coroutine ends with it and is reset */
    return t->returned != NULL ? t->returned(L, t) : lua_gettop(L) - 1;
}

/* The bottom of every task: (message handler, function, arguments...). The pcall is what lets <close> variables wait while
 * an error or a cancel goes through. */
static int task_main(lua_State *L)
{
    struct task *t = engine_of(L)->current;
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, (lua_KContext)t, main_k);
    return main_k(L, status, (lua_KContext)t);
}

static void finish(struct task *t, int status)
{
    t->state = TASK_ENDED;
    enum task_outcome how = status == LUA_OK ? OUTCOME_OK : status == LUA_YIELD ? OUTCOME_YIELDED : OUTCOME_ERROR;
    t->done(t, how, t->done_arg);
}

static void resume(struct task *t, int n)
{
    struct engine *e = t->engine;
    int results;
    assert(e->current == NULL && t->state != TASK_RUNNING && t->state != TASK_ENDED);
    t->state = TASK_RUNNING;
    /* What it made may be collected while others run, but it cannot hold more than all of them together. */
    if (t->heap_bytes > (long)e->heap_bytes)
        t->heap_bytes = (long)e->heap_bytes;
    t->chain_n = 0;
    /* What it leaves behind in hours may be collected while others run, and would count against it for ever. */
    if (t->lasting)
        t->heap_bytes = 0;
    e->current = t;
    e->running = t->co;
    e->host_yield = false;
    watchdog_watch(e);
    watchdog_enter();
    int status = lua_resume(t->co, NULL, n, &results);
    watchdog_leave();
    e->current = NULL;
    e->running = NULL;
    if (lua_gethook(t->co) != NULL)
        lua_sethook(t->co, NULL, 0, 0);
    if (status == LUA_YIELD && e->host_yield) {
        lua_pop(t->co, results);
        t->state = TASK_WAITING;
        return;
    }
    finish(t, status);
}

void task_enter(struct task *t, lua_State *L)
{
    struct engine *e = t->engine;
    assert(e->current == NULL);
    t->chain_n = 0;
    e->current = t;
    e->running = L;
    watchdog_watch(e);
    watchdog_enter();
}

void task_leave(struct task *t, lua_State *L)
{
    struct engine *e = t->engine;
    watchdog_leave();
    e->current = NULL;
    e->running = NULL;
    lua_sethook(L, NULL, 0, 0);
}

void task_reset(struct task *t)
{
    task_enter(t, t->co);
    lua_resetthread(t->co);
    task_leave(t, t->co);
}

void task_start(struct task *t, int n, void (*done)(struct task *, enum task_outcome, void *), void *arg)
{
    t->done = done;
    t->done_arg = arg;
    resume(t, n + 2); /* over what task_new has pushed */
}

/* ---- waiting ---- */

struct task *script_task_or_null(lua_State *L)
{
    return engine_of(L)->current;
}

/* Names what holds the yield up: the innermost C function that Lua went through (sort, gsub, require), or a metamethod. */
static void refuse_wait(lua_State *L)
{
    lua_Debug ar;
    const char *self = "this", *culprit = NULL;
    for (int level = 0; culprit == NULL && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "nS", &ar);
        if (level == 0)
            self = ar.name ? ar.name : self;
        else if (ar.name != NULL && (ar.what[0] == 'C' || strcmp(ar.namewhat, "metamethod") == 0))
            culprit = ar.name;
    }
    char where[WHERE_MAX];
    engine_where(L, where);
    luaL_error(L, "%s: '%s' cannot wait inside '%s': call it before, and use its result there", where, self,
               culprit ? culprit : "a C function");
}

static bool can_yield(const struct task *t, lua_State *L)
{
    if (!lua_isyieldable(L))
        return false;
    for (unsigned i = 0; i < t->chain_n; i++) {
        if (!lua_isyieldable(t->chain[i]))
            return false;
    }
    return true;
}

static void raise_cancelled(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, engine_of(L)->cancelled_value);
    lua_error(L);
}

struct task *script_task(lua_State *L)
{
    struct task *t = engine_of(L)->current;
    if (t == NULL)
        luaL_error(L, "this waits, and while the application loads nothing can wait: call it in a handler");
    if (!can_yield(t, L))
        refuse_wait(L);
    if (t->grace_over || t->cancelled == TASK_CPU || t->cancelled == TASK_HEAP)
        raise_cancelled(L);
    return t;
}

bool script_can_wait(lua_State *L)
{
    struct task *t = engine_of(L)->current;
    return t != NULL && can_yield(t, L) && !t->grace_over && t->cancelled != TASK_CPU && t->cancelled != TASK_HEAP;
}

struct db_task *db_task_of(struct task *t)
{
    return &t->db;
}

const struct script_env *engine_env(lua_State *L)
{
    return engine_of(L)->env;
}

struct engine *script_engine(lua_State *L)
{
    return engine_of(L);
}

struct request *script_request(struct task *t)
{
    return t->req;
}

void task_check_cancelled(lua_State *L)
{
    struct task *t = engine_of(L)->current;
    if (t != NULL && t->cancelled != TASK_LIVE)
        raise_cancelled(L);
}

static int wait_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct task *t = (struct task *)ctx;
    script_push_fn push = t->push;
    bool cancelled = t->wait_cancelled;
    t->push = NULL;
    t->cancel = NULL;
    t->wait_cancelled = false;
    if (push == NULL)
        raise_cancelled(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int n = push(L, t->push_arg); /* also when cancelled: it is what takes the results off the caller's hands */
    if (cancelled)
        raise_cancelled(L);
    return n;
}

static void set_deadline(struct task *t)
{
    const struct script_env *env = t->engine->env;
    if (wheel_is_set(&t->timer))
        return;
    if (t->cancelled != TASK_LIVE) {
        wheel_set(env->wheel, &t->timer, TASK_GRACE_MS);
    } else if (t->req != NULL) {
        uint64_t ms = t->req->match.route->timeout_ms;
        wheel_set(env->wheel, &t->timer, ms != 0 ? ms : env->limits->handler_ms);
    }
}

void task_renew_deadline(struct task *t)
{
    if (t->cancelled != TASK_LIVE)
        return;
    wheel_clear(t->engine->env->wheel, &t->timer);
    if (t->state == TASK_WAITING)
        set_deadline(t);
}

int script_wait(lua_State *L, const char *what, script_cancel_fn cancel, void *arg)
{
    struct task *t = engine_of(L)->current;
    assert(t != NULL && can_yield(t, L)); /* script_task() was asked before the work was started */
    t->what = what;
    t->cancel = cancel;
    t->cancel_arg = arg;
    t->push = NULL;
    t->wait_cancelled = false;
    set_deadline(t);
    t->engine->host_yield = true;
    return lua_yieldk(L, 0, (lua_KContext)t, wait_k);
}

void script_resume(struct task *t, script_push_fn push, void *arg)
{
    assert(t->state == TASK_WAITING);
    t->push = push;
    t->push_arg = arg;
    if (t->stop_due) {
        t->stop_due = false;
        wheel_clear(t->engine->env->wheel, &t->timer);
    }
    resume(t, 0);
}

/* The cancel error is raised by the wheel, not from here: the caller may be a connection in the middle of its closing. */
static void stop_wait(struct task *t)
{
    t->wait_cancelled = true;
    if (t->cancel == NULL || t->cancel(t->cancel_arg)) {
        t->stop_due = true;
        wheel_set(t->engine->env->wheel, &t->timer, 0);
    }
}

void task_cancel(struct task *t, enum task_cancel why)
{
    if (t->cancelled != TASK_LIVE || t->state == TASK_ENDED)
        return;
    t->cancelled = why;
    wheel_clear(t->engine->env->wheel, &t->timer);
    if (t->state == TASK_WAITING)
        stop_wait(t);
}

void engine_cancel_all(struct engine *e)
{
    e->background_over = true;
    for (struct list *l = e->tasks.next; l != &e->tasks; l = l->next)
        task_cancel(LIST_OF(l, struct task, link), TASK_STOPPED);
}
