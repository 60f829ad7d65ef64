#include "script/request/lib_route.h"
#include "base/mem.h"
#include "http/route.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static struct slice string_field(lua_State *L, const char *key)
{
    lua_getfield(L, 1, key);
    struct slice s = lua_slice_at(L, -1);
    if (s.p == NULL)
        luaL_error(L, "core.route: %s is missing", key);
    return s; /* stays on the stack, so it stays alive */
}

static bool flag_field(lua_State *L, const char *key)
{
    lua_getfield(L, 1, key);
    bool yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

/* true is the role "user"; absent and false are nobody in particular. */
static enum route_auth auth_field(lua_State *L)
{
    static const char *const roles[] = {"none", "user", "admin", "service", NULL};
    enum route_auth auth;
    if (lua_getfield(L, 1, "auth") == LUA_TSTRING)
        auth = (enum route_auth)luaL_checkoption(L, -1, NULL, roles);
    else
        auth = lua_toboolean(L, -1) ? ROUTE_AUTH_USER : ROUTE_AUTH_NONE;
    lua_pop(L, 1);
    return auth;
}

/* RFC 6749 3.3: a scope is visible ASCII but for the quote and the backslash. */
static bool is_scope(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return s.n > 0;
}

static struct slice scopes_field(lua_State *L)
{
    luaL_Buffer b;
    int list = lua_gettop(L) + 1;
    if (lua_getfield(L, 1, "scopes") == LUA_TNIL) {
        lua_pop(L, 1);
        return (struct slice){0};
    }
    luaL_checktype(L, list, LUA_TTABLE);
    luaL_buffinit(L, &b);
    for (lua_Integer i = 1, n = luaL_len(L, list); i <= n; i++) {
        lua_geti(L, list, i);
        struct slice scope = lua_slice_check(L, -1);
        if (!is_scope(scope))
            luaL_error(L, "core.route: '%s' is not a scope", scope.p);
        luaL_addvalue(&b);
        if (i < n)
            luaL_addchar(&b, ' ');
    }
    luaL_pushresult(&b);
    struct slice all = lua_slice_at(L, -1);
    if (all.n > ROUTE_SCOPES_BYTES_MAX)
        luaL_error(L, "core.route: the scopes are longer than %d bytes", ROUTE_SCOPES_BYTES_MAX);
    return all; /* stays on the stack, so it stays alive */
}

static lua_Number number_field(lua_State *L, const char *key, lua_Number max)
{
    lua_Number v = 0;
    if (lua_getfield(L, 1, key) != LUA_TNIL) {
        v = luaL_checknumber(L, -1);
        if (!(v > 0 && v <= max))
            luaL_error(L, "core.route: %s must be above 0 and at most %f", key, max);
    }
    lua_pop(L, 1);
    return v;
}

static enum http_method method_named(lua_State *L, struct slice name)
{
    for (int m = 0; m < METHOD_COUNT; m++) {
        if (slice_eq(http_method_names[m], name))
            return (enum http_method)m;
    }
    luaL_error(L, "core.route: '%s' is not a method that Neap serves", name.p);
    return METHOD_COUNT;
}

static bool is_safe(enum http_method m)
{
    return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_OPTIONS;
}

/* route{method, pattern, handler, auth, scopes, csrf, body, body_max, timeout, params, query, headers, cookies, form,
 * responses, rate_limits}; body is true for JSON of any shape, or a plan as the others are */
static int l_route(lua_State *L)
{
    struct service *s = service_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct route spec = {0};
    spec.method = method_named(L, string_field(L, "method"));
    spec.pattern = string_field(L, "pattern");
    spec.auth = auth_field(L);
    spec.scopes = scopes_field(L);
    spec.csrf = flag_field(L, "csrf");
    spec.json_body = flag_field(L, "body") && !flag_field(L, "form");
    spec.form = flag_field(L, "form");
    spec.body_bytes_max = (size_t)number_field(L, "body_max", 1e12);
    spec.timeout_ms = (uint64_t)(number_field(L, "timeout", 86400) * 1000);
    if (lua_getfield(L, 1, "handler") != LUA_TFUNCTION)
        return luaL_error(L, "core.route: the handler of %s is a %s", spec.pattern.p, luaL_typename(L, -1));
    if (!s->engine.loading && s->engine.env->mode != SCRIPT_TOOL)
        return luaL_error(L, "%s: routes are declared while the application loads, not later", spec.pattern.p);
    spec.handler = operation_add(L, &s->operations, 1, is_safe(spec.method));
    char err[ERR_MAX];
    if (route_add(s->routes, &spec, err, sizeof err) != 0)
        return luaL_error(L, "%s", err);
    return 0;
}

static int l_routes(lua_State *L)
{
    const struct route_table *table = service_of(L)->routes;
    size_t n = route_count(table);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        const struct route *r = route_at(table, i);
        lua_createtable(L, 0, 3);
        lua_pushlstring(L, http_method_names[r->method].p, http_method_names[r->method].n);
        lua_setfield(L, -2, "method");
        lua_pushlstring(L, r->pattern.p, r->pattern.n);
        lua_setfield(L, -2, "pattern");
        lua_pushboolean(L, r->auth != ROUTE_AUTH_NONE);
        lua_setfield(L, -2, "auth");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int l_set_error_mapper(lua_State *L)
{
    service_keep_function(L, &service_of(L)->error_mapper);
    return 0;
}

/* (metatable): of neap.response, by which an answer is known for one */
static int l_set_response_class(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    service_of(L)->response_class = lua_topointer(L, 1);
    luaL_ref(L, LUA_REGISTRYINDEX); /* for as long as the state lives, so that the address is nothing else's */
    return 0;
}

static int l_set_docs_path(lua_State *L)
{
    struct service *s = service_of(L);
    size_t n;
    const char *path = luaL_optlstring(L, 1, NULL, &n);
    free(s->docs_path);
    s->docs_path = path ? mem_dup(path, n) : NULL;
    return 0;
}

static const luaL_Reg functions[] = {{"route", l_route},
                                     {"routes", l_routes},
                                     {"set_error_mapper", l_set_error_mapper},
                                     {"set_docs_path", l_set_docs_path},
                                     {"set_response_class", l_set_response_class},
                                     {NULL, NULL}};

void lib_route_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
