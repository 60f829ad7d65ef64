#include "http/server.h"
#include "script/lib_core.h"
#include "script/runtime/counts.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include "script/tool_host.h"
#include <lauxlib.h>
#include <string.h>

static struct tool_host *tool(lua_State *L, const char *what)
{
    const struct script_env *env = engine_env(L);
    if (env->mode != SCRIPT_TOOL || env->host == NULL)
        luaL_error(L, "core.%s is for commands and specs, not for a service", what);
    return env->host;
}

static int push_nothing(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static void on_done(void *arg)
{
    script_resume(arg, push_nothing, NULL);
}

static bool cannot_cancel(void *arg)
{
    (void)arg;
    return false;
}

/* serve{host=, port=} -> port */
static int l_serve(lua_State *L)
{
    struct tool_host *h = tool(L, "serve");
    char err[ERR_MAX];
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "host");
    const char *host = luaL_optstring(L, -1, "127.0.0.1");
    lua_getfield(L, 1, "port");
    int port = (int)luaL_optinteger(L, -1, 0);
    int got = h->serve(h, host, port, err);
    if (got < 0)
        return luaL_error(L, "%s", err);
    lua_pushinteger(L, got);
    return 1;
}

static int l_unserve(lua_State *L)
{
    struct tool_host *h = tool(L, "unserve");
    struct task *t = script_task(L);
    h->unserve(h, on_done, t);
    return script_wait(L, "core.unserve", cannot_cancel, NULL);
}

/* use_database(url|nil[, {min=, max=, statement_timeout=}]): the old pool is closed when this returns; the new one connects
 * as it is used. */
static int l_use_database(lua_State *L)
{
    struct tool_host *h = tool(L, "use_database");
    struct task *t = script_task(L);
    const char *url = luaL_optstring(L, 1, NULL);
    lua_Integer min = 1, max = 5;
    lua_Number statement_s = -1; /* as the settings say */
    if (lua_istable(L, 2)) {
        lua_getfield(L, 2, "min");
        min = luaL_optinteger(L, -1, min);
        lua_getfield(L, 2, "max");
        max = luaL_optinteger(L, -1, max);
        lua_getfield(L, 2, "statement_timeout");
        statement_s = luaL_optnumber(L, -1, statement_s);
    }
    luaL_argcheck(L, statement_s < 1e9, 2, "statement_timeout is in seconds");
    luaL_argcheck(L, min >= 0 && max >= 1 && min <= max && max <= 1000, 2, "0 <= min <= max <= 1000");
    const struct tool_database db = {url, (unsigned)min, (unsigned)max, (int64_t)(statement_s * 1000)};
    h->use_database(h, &db, on_done, t);
    return script_wait(L, "core.use_database", cannot_cancel, NULL);
}

static void copy_field(lua_State *L, const char *key, char *out, size_t n)
{
    lua_getfield(L, 1, key);
    const char *s = luaL_checkstring(L, -1);
    if (strlen(s) >= n)
        luaL_error(L, "core.set_user: %s is too long", key);
    strcpy(out, s);
    lua_pop(L, 1);
}

static int l_set_user(lua_State *L)
{
    struct tool_host *h = tool(L, "set_user");
    struct script_user user = {0};
    if (!lua_isnoneornil(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        copy_field(L, "id", user.id, sizeof user.id);
        copy_field(L, "email", user.email, sizeof user.email);
        copy_field(L, "role", user.role, sizeof user.role);
        copy_field(L, "scopes", user.scopes, sizeof user.scopes);
        copy_field(L, "session", user.session, sizeof user.session);
    }
    h->set_user(h, user.id[0] ? &user : NULL);
    return 0;
}

/* (name): one more of what the framework itself counts for /metrics. */
static int l_count(lua_State *L)
{
    static const char *const names[] = {"jobs_succeeded", "jobs_failed",     "jobs_dead",
                                        "streams_slow",   "streams_expired", NULL};
    struct script_counts *c = engine_env(L)->counts;
    struct counter *const counters[] = {&c->jobs_succeeded, &c->jobs_failed, &c->jobs_dead, &c->streams_slow,
                                        &c->streams_expired};
    counter_add(counters[luaL_checkoption(L, 1, NULL, names)], 1);
    return 0;
}

static int l_counts(lua_State *L)
{
    struct tool_host *h = engine_env(L)->host;
    struct host_counts counts = {0};
    if (h != NULL)
        h->counts(h, &counts);
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, counts.handles);
    lua_setfield(L, -2, "handles");
    lua_pushinteger(L, counts.tasks);
    lua_setfield(L, -2, "tasks");
    lua_pushinteger(L, counts.background);
    lua_setfield(L, -2, "background");
    lua_pushinteger(L, counts.connections);
    lua_setfield(L, -2, "connections");
    lua_pushinteger(L, counts.pool_busy);
    lua_setfield(L, -2, "pool_busy");
    lua_pushinteger(L, (lua_Integer)counts.requests);
    lua_setfield(L, -2, "requests");
    return 1;
}

/* What /metrics answers, of all workers. */
static int l_metrics(lua_State *L)
{
    struct tool_host *h = engine_env(L)->host;
    struct slice text = h->metrics(h);
    lua_pushlstring(L, text.p, text.n);
    return 1;
}

static int l_draining(lua_State *L)
{
    const struct server *s = engine_env(L)->server;
    lua_pushboolean(L, s != NULL && server_is_draining(s));
    return 1;
}

/* exit(code): unwinds the command, <close> variables and all; no pcall holds it up. */
static int l_exit(lua_State *L)
{
    tool(L, "exit");
    struct task *t = script_task_or_null(L);
    if (t == NULL)
        return luaL_error(L, "core.exit: no command is running");
    t->exit_code = (int)luaL_optinteger(L, 1, 0);
    t->cancelled = TASK_EXIT;
    task_check_cancelled(L);
    return 0;
}

/* interruption(): the number of the signal that ended the command and the traceback of where it was; nothing else did. */
static int l_interruption(lua_State *L)
{
    const struct engine *e = script_engine(L);
    tool(L, "interruption");
    if (e->interrupted == 0)
        return 0;
    lua_pushinteger(L, e->interrupted);
    lua_pushlstring(L, e->interrupted_at.n ? e->interrupted_at.p : "", e->interrupted_at.n);
    return 2;
}

static const luaL_Reg functions[] = {
    {"serve", l_serve},
    {"unserve", l_unserve},
    {"use_database", l_use_database},
    {"set_user", l_set_user},
    {"count", l_count},
    {"counts", l_counts},
    {"metrics", l_metrics},
    {"draining", l_draining},
    {"exit", l_exit},
    {"interruption", l_interruption},
    {NULL, NULL},
};

void lib_host_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
