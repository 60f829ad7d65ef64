/* core.password_hash and core.password_verify, behind neap.password. Both wait. */
#include "script/auth/lib_password.h"
#include "script/auth/password_line.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task.h"
#include <lauxlib.h>
#include <string.h>

static bool on_cancel(void *arg)
{
    struct password_job *job = arg;
    if (!password_line_drop(job))
        return false; /* a thread has it: it ends soon, and wakes the task then */
    password_job_free(job);
    return true;
}

/* Hash and nothing; true or false, and the cost of the hash that was compared; or nil and why. */
static int push_outcome(lua_State *L, void *arg)
{
    struct password_job *job = arg;
    struct password_job done = *job;
    password_job_free(job);
    if (done.status == PASSWORD_FAILED) {
        lua_pushnil(L);
        lua_pushliteral(L, "failed");
        return 2;
    }
    if (done.what == PASSWORD_HASH) {
        lua_pushlstring(L, done.hash, PASSWORD_HASH_BYTES);
        return 1;
    }
    lua_pushboolean(L, done.status == PASSWORD_OK);
    return 1;
}

static void on_done(struct password_job *job, void *arg)
{
    script_resume(arg, push_outcome, job);
}

static int refuse(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

static int wait_for(lua_State *L, struct password_job *job, struct slice password, const char *what)
{
    const struct script_env *env = engine_env(L);
    const struct password_opts opts = {
        .loop = env->loop, .threads_max = password_threads(env->workers), .line_max = env->limits->password_line_max};
    memcpy(job->password, password.p, password.n);
    job->password_n = password.n;
    job->done = on_done;
    job->arg = script_task_or_null(L);
    if (password_line_push(&opts, job))
        return script_wait(L, what, on_cancel, job);
    password_job_free(job);
    lua_pushnil(L);
    lua_pushliteral(L, "full");
    lua_pushinteger(L, (lua_Integer)password_line_seconds());
    return 3;
}

static const char *reason(enum password_status status)
{
    return status == PASSWORD_TOO_LONG ? "too_long" : status == PASSWORD_HAS_NUL ? "nul" : NULL;
}

/* (password, cost) -> hash; nil and "too_long", "nul", "failed", or "full" and seconds */
static int l_hash(lua_State *L)
{
    struct slice password = lua_slice_check(L, 1);
    lua_Integer cost = luaL_checkinteger(L, 2);
    luaL_argcheck(L, cost >= PASSWORD_COST_MIN && cost <= PASSWORD_COST_MAX, 2, "no cost that is taken");
    const char *why = reason(password_check(password));
    script_task(L);
    if (why != NULL)
        return refuse(L, why);
    struct password_job *job = password_job_new();
    job->what = PASSWORD_HASH;
    job->cost = (unsigned)cost;
    return wait_for(L, job, password, "password.hash");
}

/* (password, hash) -> whether it is that; nil as above. A hash that is none is "failed", without a wait. */
static int l_verify(lua_State *L)
{
    struct slice password = lua_slice_check(L, 1), hash = lua_slice_check(L, 2);
    const char *why = reason(password_check(password));
    script_task(L);
    if (why != NULL)
        return refuse(L, why);
    if (password_cost(hash) == 0)
        return refuse(L, "failed");
    struct password_job *job = password_job_new();
    job->what = PASSWORD_VERIFY;
    memcpy(job->hash, hash.p, PASSWORD_HASH_BYTES);
    return wait_for(L, job, password, "password.verify");
}

/* (hash, cost) -> whether a new hash would be no better */
static int l_is_current(lua_State *L)
{
    lua_pushboolean(L, password_is_current(lua_slice_check(L, 1), (unsigned)luaL_checkinteger(L, 2)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"password_hash", l_hash},
    {"password_verify", l_verify},
    {"password_is_current", l_is_current},
    {NULL, NULL},
};

void lib_password_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
