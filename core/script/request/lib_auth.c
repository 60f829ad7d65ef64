/* The part of neap.core behind neap.token. */
#include "auth/libjwt.h"
#include "http/caller.h"
#include "http/request.h"
#include "script/auth/auth.h"
#include "script/auth/bearer.h"
#include "script/json/json.h"
#include "script/request/admit.h"
#include "script/request/lib_route.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task.h"
#include <lauxlib.h>
#include <stdlib.h>

/* Stays on the stack, so it stays alive. */
static struct slice text_field(lua_State *L, const char *key)
{
    struct slice s = {0};
    if (lua_getfield(L, 1, key) != LUA_TNIL)
        s.p = luaL_checklstring(L, -1, &s.n);
    return s;
}

/* auth_configure{algorithm, secret, secret_id, previous, previous_id, issuer, audience, shared_secret, jwks, jwks_url,
 * other_issuer, other_audience, cache} -> true; nil and a reason */
static int l_configure(lua_State *L)
{
    struct service *s = service_of(L);
    char err[ERR_MAX];
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkstack(L, 16, NULL);
    struct auth_opts o = {.fetch_now = engine_env(L)->mode != SCRIPT_TOOL};
    if (!key_alg_named(text_field(L, "algorithm"), &o.alg))
        return luaL_error(L, "core.auth_configure: no such algorithm");
    o.secret = text_field(L, "secret");
    o.secret_id = text_field(L, "secret_id");
    o.previous = text_field(L, "previous");
    o.previous_id = text_field(L, "previous_id");
    o.issuer = text_field(L, "issuer");
    o.audience = text_field(L, "audience");
    o.shared_secret = text_field(L, "shared_secret");
    o.jwks = text_field(L, "jwks");
    o.jwks_url = text_field(L, "jwks_url").p;
    o.other_issuer = text_field(L, "other_issuer");
    o.other_audience = text_field(L, "other_audience");
    lua_getfield(L, 1, "cache");
    o.cache_bytes = (size_t)luaL_checkinteger(L, -1);
    struct auth *a = auth_new(&o, engine_env(L)->loop, err);
    if (a == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, err);
        return 2;
    }
    auth_free(s->auth);
    s->auth = a;
    lua_pushboolean(L, true);
    return 1;
}

static struct auth *configured(lua_State *L)
{
    struct auth *a = service_of(L)->auth;
    if (a == NULL)
        luaL_error(L, "tokens: there is no key, the application is not loaded");
    return a;
}

/* (JSON object) -> token */
static int l_sign(lua_State *L)
{
    char err[ERR_MAX];
    const struct key *key = auth_signing_key(configured(L));
    const char *claims = luaL_checkstring(L, 1);
    if (key == NULL)
        return luaL_error(L, "tokens: SECRET_KEY is not set");
    char *text = libjwt_sign(key, claims, err);
    if (text == NULL)
        return luaL_error(L, "tokens: %s", err);
    lua_pushstring(L, text);
    free(text);
    return 1;
}

struct verification {
    struct arena arena;
    struct json_doc claims;
};

static int push_claims(lua_State *L)
{
    struct verification *v = lua_touserdata(L, 1);
    json_push_doc(L, &v->claims);
    return 1;
}

/* (token) -> claims; nil and "token_expired" or "token_invalid" */
static int l_verify(lua_State *L)
{
    struct verification v = {0};
    struct slice text = lua_slice_check(L, 1);
    enum auth_status status = auth_claims(configured(L), text, &v.arena, &v.claims);
    if (status != AUTH_OK) {
        arena_free(&v.arena);
        lua_pushnil(L);
        lua_pushstring(L, status == AUTH_EXPIRED ? "token_expired" : "token_invalid");
        return 2;
    }
    lua_pushcfunction(L, push_claims);
    lua_pushlightuserdata(L, &v);
    int rc = lua_pcall(L, 1, 1, 0);
    arena_free(&v.arena);
    return rc == LUA_OK ? 1 : lua_error(L);
}

/* (function(handler, req)): runs in place of the handler while nobody knows who the caller is */
static int l_on_outsider(lua_State *L)
{
    service_keep_function(L, &service_of(L)->name_outsider);
    return 0;
}

static struct request *request_of(lua_State *L)
{
    struct request *req = script_request(script_task(L));
    if (req == NULL || req->caller == NULL || req->caller->issuer.n == 0)
        luaL_error(L, "there is no caller of another issuer here");
    return req;
}

/* () -> subject, token of the caller that is to be named */
static int l_outsider(lua_State *L)
{
    const struct request *req = request_of(L);
    struct slice token;
    bool by_cookie;
    if (bearer_find(req, &token, &by_cookie) != BEARER_FOUND)
        return 0;
    lua_pushlstring(L, req->caller->subject.p, req->caller->subject.n);
    lua_pushlstring(L, token.p, token.n);
    return 2;
}

/* (id, email, role, scopes with spaces) -> nil, or what keeps that user from this route. (nil): nobody; whether the route
 * needs somebody. */
static int l_name_outsider(lua_State *L)
{
    struct request *req = request_of(L);
    struct slice parts[4], token;
    bool by_cookie;
    if (lua_isnoneornil(L, 1)) {
        req->caller = NULL;
        lua_pushboolean(L, req->match.route->auth != ROUTE_AUTH_NONE);
        return 1;
    }
    for (int i = 0; i < 4; i++)
        parts[i].p = luaL_optlstring(L, i + 1, "", &parts[i].n);
    if (bearer_find(req, &token, &by_cookie) != BEARER_FOUND)
        return luaL_error(L, "the request has lost its token");
    auth_name(configured(L), token, parts, &req->arena, req->caller);
    req->user_id = req->caller->id;
    lua_pushstring(L, admit_refusal(req));
    return 1;
}

static const luaL_Reg functions[] = {
    {"auth_configure", l_configure},
    {"token_sign", l_sign},
    {"token_verify", l_verify},
    {"on_outsider", l_on_outsider},
    {"outsider", l_outsider},
    {"name_outsider", l_name_outsider},
    {NULL, NULL},
};

void lib_auth_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
