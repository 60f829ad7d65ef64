#include "script/request/reply.h"

#include "base/error.h"
#include "base/log.h"
#include "script/json/json.h"
#include "script/plan/encode.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

static const struct slice text_plain = {"text/plain; charset=utf-8", 25};

static bool is_status(lua_State *L, int index)
{
    if (!lua_isinteger(L, index))
        return false;
    lua_Integer v = lua_tointeger(L, index);
    return v >= 200 && v <= 599;
}

static void add_header(lua_State *L, struct slice name, int value, struct buf *out)
{
    if (lua_type(L, value) != LUA_TSTRING && lua_type(L, value) != LUA_TNUMBER)
        luaL_error(L, "response header '%s': a %s is not a value", name.p, luaL_typename(L, value));
    struct slice v = lua_slice_at(L, value);
    if (!response_header_ok(name, v))
        luaL_error(L,
                   "response header '%s' is not allowed: the name is not a token, the value has control characters, or the "
                   "server writes it itself",
                   name.p);
    buf_slice(out, name);
    buf_lit(out, ": ");
    buf_slice(out, v);
    buf_lit(out, "\r\n");
}

void reply_headers(lua_State *L, int index, struct buf *out)
{
    luaL_checkstack(L, 6, NULL);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "response headers: a %s is not a name", luaL_typename(L, -2));
        struct slice name = lua_slice_at(L, -2);
        if (lua_type(L, -1) != LUA_TTABLE) {
            lua_pushvalue(L, -1); /* lua_tolstring may change it in place */
            add_header(L, name, lua_gettop(L), out);
            lua_pop(L, 2);
            continue;
        }
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
            add_header(L, name, lua_gettop(L), out);
            lua_pop(L, 1);
        }
        lua_pop(L, 2);
    }
}

/* A body that breaks its plan is an error where somebody can mend it; in production the answer goes out as it is, and the
 * log says what is wrong with it. */
static void set_json(lua_State *L, int index, struct service *s)
{
    char err[ERR_MAX];
    const struct request *req = s->engine.current->req;
    const struct plan *plan = operation_answer(service_operation(s, req), s->reply.res.status);
    if (plan != NULL && plan_encode(L, index, plan->root, &s->scratch, err) == 0) {
        s->reply.res.body = buf_view(&s->scratch);
        return;
    }
    if (plan != NULL) {
        if (s->engine.env->mode != SCRIPT_SERVE)
            luaL_error(L, "the answer breaks the schema of its status: %s", err);
        log_note(LOG_ERROR, "handler", "the answer breaks the schema of its status", req->match.route->pattern.p, err);
    }
    if (json_encode(L, index, &s->scratch, err) != 0)
        luaL_error(L, "the answer cannot be written as JSON: %s", err);
    s->reply.res.body = buf_view(&s->scratch);
}

static void set_body(lua_State *L, int index, struct service *s)
{
    struct response *res = &s->reply.res;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TNONE:
        return;
    case LUA_TSTRING:
        res->body = lua_slice_at(L, index);
        res->content_type = text_plain;
        return;
    case LUA_TTABLE:
    case LUA_TUSERDATA:
    case LUA_TLIGHTUSERDATA:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
        set_json(L, index, s);
        return;
    default:
        luaL_error(L, "a handler returned a %s: it returns a body, a status and a body, or a neap.response",
                   luaL_typename(L, index));
    }
}

/* RFC 9110 15.3.5 and 15.4.5: these two have no content. */
static void set_stream(lua_State *L, struct service *s)
{
    if (s->reply.res.status == 204 || s->reply.res.status == 304)
        luaL_error(L, "response.stream: an answer with status %d has no body", s->reply.res.status);
    s->reply.streams = true;
}

static bool is_response(lua_State *L, int index, const struct service *s)
{
    if (lua_type(L, index) != LUA_TTABLE || lua_getmetatable(L, index) == 0)
        return false;
    bool yes = lua_topointer(L, -1) == s->response_class;
    lua_pop(L, 1);
    return yes;
}

/* The fields of a neap.response, made by lua/neap/response.lua. What it points to stays on the stack. */
static void set_response(lua_State *L, int index, struct service *s)
{
    struct response *res = &s->reply.res;
    lua_getfield(L, index, "status");
    if (!is_status(L, -1))
        luaL_error(L, "neap.response: the status must be an integer from 200 to 599");
    res->status = (int)lua_tointeger(L, -1);
    if (lua_getfield(L, index, "headers") == LUA_TTABLE) {
        reply_headers(L, lua_gettop(L), &s->scratch_headers);
        res->headers = buf_view(&s->scratch_headers);
    }
    if (lua_getfield(L, index, "raw") == LUA_TSTRING) {
        res->body = lua_slice_at(L, -1);
        res->content_type = SLICE_LIT("application/octet-stream");
    } else if (lua_getfield(L, index, "body") != LUA_TNIL) {
        set_json(L, lua_gettop(L), s);
    }
    if (lua_getfield(L, index, "content_type") == LUA_TSTRING) {
        res->content_type = lua_slice_at(L, -1);
        if (!response_header_ok(SLICE_LIT("Content-Type"), res->content_type))
            luaL_error(L, "neap.response: content_type has characters that HTTP forbids");
    }
    if (lua_getfield(L, index, "stream") == LUA_TFUNCTION)
        set_stream(L, s);
}

void reply_build(lua_State *L, int first)
{
    struct service *s = service_of(L);
    int n = lua_gettop(L) - first + 1;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    s->reply.res = (struct response){.status = 200};
    s->reply.streams = false;
    struct response *res = &s->reply.res;
    if (n > 2)
        luaL_error(L, "a handler returned %d values: it returns a body, a status and a body, or a neap.response", n);
    if (n >= 1 && is_response(L, first, s)) {
        set_response(L, first, s);
    } else if (n == 2 || (n == 1 && is_status(L, first))) {
        if (!is_status(L, first))
            luaL_error(L, "a handler returned a %s as the status: it must be an integer from 200 to 599",
                       luaL_typename(L, first));
        res->status = (int)lua_tointeger(L, first);
        set_body(L, first + 1, s);
    } else {
        set_body(L, first, s);
        if (res->body.p == NULL)
            res->status = 204;
    }
    s->reply.ready = true;
}
