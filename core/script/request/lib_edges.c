/* What the framework asks about the edges: is this a network, and how often was a key seen. */
#include "base/address.h"
#include "base/clock.h"
#include "http/request.h"
#include "redis/redis.h"
#include "script/request/lib_route.h"
#include "script/request/limit.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

static int l_is_network(lua_State *L)
{
    struct address_network net;
    lua_pushboolean(L, address_network_parse(lua_slice_check(L, 1), &net));
    return 1;
}

/* (network, address) -> whether it is in there; false when either is none */
static int l_network_has(lua_State *L)
{
    struct address_set set = {.n = 1};
    struct address a;
    bool both = address_network_parse(lua_slice_check(L, 1), &set.list[0]) && address_parse(lua_slice_check(L, 2), &a);
    lua_pushboolean(L, both && address_set_has(&set, &a));
    return 1;
}

/* The rule that the arguments from index 3 on say: limit, per, burst, name. */
static struct limit_rule check_rule(lua_State *L, struct slice scope)
{
    struct limit_rule rule = {.scope = limit_scope(scope)};
    lua_Number limit = luaL_checknumber(L, 3), per = luaL_checknumber(L, 4), burst = luaL_optnumber(L, 5, 0);
    luaL_argcheck(L, limit >= 1 && limit <= 1e9, 3, "must be from 1 to 1e9");
    luaL_argcheck(L, per > 0 && per <= 366.0 * 86400, 4, "must be seconds");
    luaL_argcheck(L, burst >= 0 && burst <= 1e9, 5, "must be from 0 to 1e9");
    snprintf(rule.name, sizeof rule.name, "%s", luaL_optstring(L, 6, ""));
    limit_rule_describe(&rule, (uint64_t)limit, per, (uint64_t)burst);
    return rule;
}

struct counting { /* on the stack of the function that waits */
    struct task *task;
    struct limit_call *call;
    struct limit_rule rule;
    struct rate_verdict verdict; /* of this host, until Redis says otherwise */
};

static int push_verdict(lua_State *L, const struct limit_rule *rule, const struct rate_verdict *v)
{
    struct task *t = script_task_or_null(L);
    if (rule->name[0] != '\0' && t != NULL && t->req != NULL)
        limit_tell(t->req, rule, v);
    lua_pushboolean(L, v->allowed);
    lua_pushinteger(L, (lua_Integer)limit_seconds(v->retry_ns));
    return 2;
}

static int push_counted(lua_State *L, void *arg)
{
    const struct counting *c = arg;
    return push_verdict(L, &c->rule, &c->verdict);
}

static void on_counted(const struct rate_verdict *v, void *arg)
{
    struct counting *c = arg;
    if (v != NULL)
        c->verdict = *v;
    script_resume(c->task, push_counted, c);
}

static bool stop_counting(void *arg)
{
    limit_forget(((struct counting *)arg)->call);
    return true;
}

/* rate_take(scope, key, limit, per, burst[, name]) -> allowed, seconds until it would be; with a name the answer of the
 * request that is running says how the key stands. */
static int l_rate_take(lua_State *L)
{
    const struct script_env *env = engine_env(L);
    struct slice scope = lua_slice_check(L, 1), key = lua_slice_check(L, 2);
    struct limit_rule rule = check_rule(L, scope);
    if (env->rates == NULL)
        return luaL_error(L, "core.rate_take: nothing is counted in this process");
    if (key.n > LIMIT_SUBJECT_MAX)
        return luaL_error(L, "a key of a rate limit has at most %d bytes", LIMIT_SUBJECT_MAX);
    struct rate_verdict v =
        rates_take(env->rates, limit_table_key(env->rates, rule.scope, key), &rule.rate, clock_monotonic_us() * 1000);
    if (!v.allowed || env->redis == NULL || !script_can_wait(L))
        return push_verdict(L, &rule, &v);
    struct counting *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct counting){.task = script_task(L), .rule = rule, .verdict = v};
    c->call = limit_ask_key(env, &rule, key, on_counted, c);
    if (c->call == NULL)
        return push_verdict(L, &rule, &v);
    return script_wait(L, "rate_limit.check", stop_counting, c);
}

/* For specs: each begins with nothing counted. */
static int l_rate_forget(lua_State *L)
{
    const struct script_env *env = engine_env(L);
    if (env->mode != SCRIPT_TOOL)
        return luaL_error(L, "core.rate_forget is for specs");
    rates_forget(env->rates);
    return 0;
}

/* redis_ping() -> which ping, to be asked for with redis_ponged; nil when Redis is away, false when there shall be none */
static int l_redis_ping(lua_State *L)
{
    struct redis *r = engine_env(L)->redis;
    uint64_t ping = r != NULL ? redis_ping(r) : 0;
    if (r == NULL)
        lua_pushboolean(L, false);
    else if (ping == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)ping);
    return 1;
}

static int l_redis_ponged(lua_State *L)
{
    const struct redis *r = engine_env(L)->redis;
    lua_pushboolean(L, r != NULL && redis_ponged(r, (uint64_t)luaL_checkinteger(L, 1)));
    return 1;
}

static int l_is_redis_url(lua_State *L)
{
    struct redis_place place;
    lua_pushboolean(L, redis_place_parse(lua_slice_check(L, 1), &place));
    return 1;
}

static const luaL_Reg functions[] = {{"is_network", l_is_network},     {"network_has", l_network_has},
                                     {"rate_take", l_rate_take},       {"rate_forget", l_rate_forget},
                                     {"redis_ping", l_redis_ping},     {"redis_ponged", l_redis_ponged},
                                     {"is_redis_url", l_is_redis_url}, {NULL, NULL}};

void lib_edges_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
