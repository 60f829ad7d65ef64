/* Commands of the command line, and what an application runs when it starts and stops: one task without a request. */
#include "base/mem.h"
#include "script/engine.h"
#include "script/runtime/engine.h"
#include "script/runtime/error_text.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

struct command {
    void (*on_done)(int code, void *arg);
    void *arg;
};

static void print_error(struct task *t, enum task_outcome how)
{
    struct buf text = BUF_INIT;
    if (how == OUTCOME_YIELDED)
        buf_lit(&text, "the command called coroutine.yield outside of a coroutine of its own");
    else
        error_text_of_task(t, &text);
    fprintf(stderr, "neap: %.*s\n", (int)text.n, text.p);
    if (how != OUTCOME_YIELDED && t->trace.n > 0)
        fprintf(stderr, "%.*s\n", (int)t->trace.n, t->trace.p);
    buf_free(&text);
}

static int exit_code(struct task *t, enum task_outcome how)
{
    struct engine *e = t->engine;
    if (t->cancelled == TASK_EXIT)
        return t->exit_code;
    if (how == OUTCOME_OK)
        return lua_isinteger(t->co, -1) ? (int)lua_tointeger(t->co, -1) : 0;
    if (t->cancelled != TASK_STOPPED || e->interrupted == 0)
        print_error(t, how);
    else if (e->interrupted_at.n == 0)
        buf_append(&e->interrupted_at, t->trace.p, t->trace.n);
    return 1;
}

static void on_task_done(struct task *t, enum task_outcome how, void *arg)
{
    struct command c = *(struct command *)arg;
    free(arg);
    int code = exit_code(t, how);
    if (how != OUTCOME_OK)
        task_reset(t);
    task_free(t);
    c.on_done(code, c.arg);
}

/* A command that waits is told apart from the requests that it serves by having none. */
static void keep_place(struct engine *e)
{
    for (struct list *l = e->tasks.next; l != &e->tasks; l = l->next) {
        struct task *t = LIST_OF(l, struct task, link);
        size_t n;
        if (t->done != on_task_done || t->state != TASK_WAITING || t->cancelled != TASK_LIVE)
            continue;
        luaL_traceback(e->L, t->co, NULL, 0);
        const char *s = lua_tolstring(e->L, -1, &n);
        buf_append(&e->interrupted_at, s, n);
        lua_pop(e->L, 1);
        return;
    }
}

void engine_interrupt(struct engine *e, int signal)
{
    if (e->interrupted == 0) {
        e->interrupted = signal;
        keep_place(e);
    }
    engine_cancel_all(e);
}

/* (module) -> require(module).main */
static int find_main(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_getfield(L, -1, "main") != LUA_TFUNCTION)
        return luaL_error(L, "%s has no main function", lua_tostring(L, 1));
    return 1;
}

void engine_run(struct engine *e, const char *module, void (*on_done)(int code, void *arg), void *arg)
{
    lua_State *L = e->L;
    lua_pushcfunction(L, find_main);
    lua_pushstring(L, module);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        fprintf(stderr, "neap: %s\n", luaL_tolstring(L, -1, NULL));
        lua_settop(L, 0);
        on_done(1, arg);
        return;
    }
    struct command *c = mem_alloc(sizeof *c);
    c->on_done = on_done;
    c->arg = arg;
    struct task *t = task_new(e);
    t->lasting = true;
    lua_xmove(L, t->co, 1);
    lua_createtable(t->co, e->env->argc, 0);
    for (int i = 0; i < e->env->argc; i++) {
        lua_pushstring(t->co, e->env->argv[i]);
        lua_rawseti(t->co, -2, i + 1);
    }
    task_start(t, 1, on_task_done, c);
}
