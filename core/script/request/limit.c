#include "script/request/limit.h"

#include "base/number.h"
#include "base/siphash.h"
#include "http/caller.h"
#include "http/forwarded.h"
#include "http/request.h"
#include "http/response.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include <lauxlib.h>
#include <stdio.h>

static const double limit_max = 1e9, seconds_max = 366.0 * 86400;

/* ---- while the application loads ---- */

uint64_t limit_scope(struct slice text)
{
    static const struct siphash_key none;
    return siphash(&none, text.p, text.n);
}

void limit_rule_describe(struct limit_rule *rule, uint64_t limit, double seconds, uint64_t burst)
{
    rule->rate = rate_of(limit, seconds, burst);
    snprintf(rule->policy, sizeof rule->policy, "RateLimit-Policy: \"%s\";q=%llu;w=%.0f\r\n", rule->name,
             (unsigned long long)limit, seconds < 1 ? 1 : seconds);
}

static double number_field(lua_State *L, int index, const char *key, double least, double most)
{
    lua_getfield(L, index, key);
    double v = luaL_optnumber(L, -1, least);
    if (!(v >= least && v <= most))
        luaL_error(L, "rate_limits: %s must be from %f to %f", key, least, most);
    lua_pop(L, 1);
    return v;
}

static struct slice text_field(lua_State *L, int index, const char *key)
{
    if (lua_getfield(L, index, key) != LUA_TSTRING)
        luaL_error(L, "rate_limits: %s is missing", key);
    struct slice s = lua_slice_at(L, -1);
    lua_pop(L, 1); /* the table keeps it alive */
    return s;
}

static void read_rule(lua_State *L, int index, struct limit_rule *rule)
{
    *rule = (struct limit_rule){.scope = limit_scope(text_field(L, index, "scope"))};
    struct slice name = text_field(L, index, "name");
    if (name.n >= sizeof rule->name ||
        strspn(name.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != name.n)
        luaL_error(L, "rate_limits: '%s' is not a name", name.p);
    memcpy(rule->name, name.p, name.n + 1);
    rule->by = slice_eq(text_field(L, index, "by"), SLICE_LIT("user")) ? LIMIT_BY_USER : LIMIT_BY_ADDRESS;
    double limit = number_field(L, index, "limit", 1, limit_max), per = number_field(L, index, "per", 1e-3, seconds_max);
    limit_rule_describe(rule, (uint64_t)limit, per, (uint64_t)number_field(L, index, "burst", 0, limit_max));
}

void limit_rules_read(lua_State *L, int index, struct limit_rules *out)
{
    out->n = 0;
    if (lua_getfield(L, index, "rate_limits") == LUA_TTABLE) {
        int list = lua_gettop(L);
        for (lua_Integer i = 1; lua_geti(L, list, i) == LUA_TTABLE; i++) {
            if (out->n == LIMIT_RULES_MAX)
                luaL_error(L, "more than %d rate limits", LIMIT_RULES_MAX);
            read_rule(L, lua_gettop(L), &out->list[out->n++]);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* ---- for each request ---- */

size_t limit_subject(struct request *req, enum limit_by by, char out[static LIMIT_SUBJECT_MAX])
{
    if (by == LIMIT_BY_USER && req->caller != NULL) {
        struct slice id = req->caller->id;
        size_t n = id.n < LIMIT_SUBJECT_MAX - 1 ? id.n : LIMIT_SUBJECT_MAX - 1;
        out[0] = 'u';
        memcpy(out + 1, id.p, n);
        return 1 + n;
    }
    const struct address *a = request_address(req);
    size_t n = a->kind == ADDRESS_V4 ? 4 : a->kind == ADDRESS_V6 ? 8 : 0;
    out[0] = (char)('0' + a->kind);
    memcpy(out + 1, a->bytes, n);
    return 1 + n;
}

uint64_t limit_table_key(const struct rates *rates, uint64_t scope, struct slice subject)
{
    char bytes[sizeof scope + LIMIT_SUBJECT_MAX];
    size_t n = subject.n < LIMIT_SUBJECT_MAX ? subject.n : LIMIT_SUBJECT_MAX;
    memcpy(bytes, &scope, sizeof scope);
    memcpy(bytes + sizeof scope, subject.p, n);
    return rates_key(rates, bytes, sizeof scope + n);
}

uint64_t limit_seconds(uint64_t ns)
{
    return ns / 1000000000u + (ns % 1000000000u != 0);
}

static char *put(char *p, struct slice s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

void limit_tell(struct request *req, const struct limit_rule *rule, const struct rate_verdict *v)
{
    struct slice policy = slice_str(rule->policy), before = req->more_headers;
    /* 64: the names, and two numbers of twenty digits at most */
    char *from = arena_alloc(&req->arena, before.n + policy.n + LIMIT_NAME_MAX + 64), *p = from;
    if (before.n > 0)
        p = put(p, before);
    p = put(p, policy);
    p = put(p, SLICE_LIT("RateLimit: \""));
    p = put(p, slice_str(rule->name));
    p = put(p, SLICE_LIT("\";r="));
    p += number_write_u64(p, v->left);
    p = put(p, SLICE_LIT(";t="));
    p += number_write_u64(p, limit_seconds(v->reset_ns));
    p = put(p, SLICE_LIT("\r\n"));
    req->more_headers = slice_of(from, (size_t)(p - from));
}

void limit_refuse(struct request *req, uint64_t retry_ns)
{
    char retry[48];
    int n = snprintf(retry, sizeof retry, "Retry-After: %llu\r\n", (unsigned long long)limit_seconds(retry_ns));
    response_error(req, 429, "too_many_requests", SLICE_LIT("Too many requests"), (struct slice){0},
                   slice_of(retry, (size_t)n));
}

bool limit_admit(const struct script_env *env, const struct limit_rules *rules, enum limit_by by, struct request *req)
{
    char subject[LIMIT_SUBJECT_MAX];
    size_t n = 0;
    for (unsigned i = 0; i < rules->n && env->rates != NULL; i++) {
        const struct limit_rule *rule = &rules->list[i];
        if (rule->by != by)
            continue;
        if (n == 0)
            n = limit_subject(req, by, subject);
        uint64_t key = limit_table_key(env->rates, rule->scope, slice_of(subject, n));
        struct rate_verdict v = rates_take(env->rates, key, &rule->rate, req->started_us * 1000);
        if (!v.allowed || !limit_is_shared(env)) /* otherwise Redis has the count that is worth telling */
            limit_tell(req, rule, &v);
        if (v.allowed)
            continue;
        limit_refuse(req, v.retry_ns);
        return false;
    }
    return true;
}
