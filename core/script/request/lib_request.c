#include "script/request/lib_request.h"

#include "http/caller.h"
#include "http/forwarded.h"
#include "http/request.h"
#include "script/json/json.h"
#include "script/request/intake.h"
#include "script/request/text_doc.h"
#include "script/request/urlencoded.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task_internal.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

/* Keys of a request. What is cheap is read each time; what makes a table is made once and kept in a user value of the box.
 * The fields that handlers set have a table, the first user value. */
enum field {
    F_METHOD = 1,
    F_PATH,
    F_TARGET,
    F_ID,
    F_ROUTE,
    F_TEXT,
    F_HEADER,
    F_IP,
    F_SCHEME,
    F_NETWORK,
    F_PARAMS, /* from here on they are kept */
    F_QUERY,
    F_HEADERS,
    F_BODY,
    F_USER,
    F_COOKIES,
    F_COUNT
};

enum { OWN_FIELDS = 1, BOX_VALUES = OWN_FIELDS + F_COUNT - F_PARAMS };

static const char *const field_names[F_COUNT] = {
    [F_METHOD] = "method",   [F_PATH] = "path", [F_TARGET] = "target", [F_ID] = "id",
    [F_ROUTE] = "route",     [F_TEXT] = "text", [F_PARAMS] = "params", [F_QUERY] = "query",
    [F_HEADERS] = "headers", [F_BODY] = "body", [F_USER] = "user",     [F_HEADER] = "header",
    [F_COOKIES] = "cookies", [F_IP] = "ip",     [F_SCHEME] = "scheme", [F_NETWORK] = "network",
};

static struct task *check(lua_State *L)
{
    struct task **box = userdata_check(L, 1, USERDATA_REQUEST);
    if (*box == NULL)
        luaL_error(L, "the request is over: copy what you need of it before the handler returns");
    return *box;
}

static void push_params(lua_State *L, const struct request *r)
{
    const struct route *route = r->match.route;
    lua_createtable(L, 0, (int)route->param_count);
    for (unsigned i = 0; i < route->param_count; i++) {
        lua_slice_push(L, route->params[i]);
        urlencoded_push(L, span_slice(r->base, r->match.params[i]), false);
        lua_rawset(L, -3);
    }
}

/* Lower-case names; lines of one name are joined by ", " (RFC 9110 5.3). */
static void push_headers(lua_State *L, const struct request *r)
{
    lua_createtable(L, 0, (int)r->head.header_count);
    for (unsigned i = 0; i < r->head.header_count; i++) {
        const struct header *h = &r->head.headers[i];
        struct slice name = span_slice(r->base, h->name);
        luaL_Buffer b;
        char *p = luaL_buffinitsize(L, &b, name.n);
        slice_lower(p, name);
        luaL_pushresultsize(&b, name.n);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_slice_push(L, span_slice(r->base, h->value));
        } else {
            lua_pushliteral(L, ", ");
            lua_slice_push(L, span_slice(r->base, h->value));
            lua_concat(L, 3);
        }
        lua_rawset(L, -3);
    }
}

static void push_cookies(lua_State *L, const struct request *r)
{
    struct text_pairs *pairs = lua_newuserdatauv(L, sizeof *pairs, 0);
    pairs->n = 0;
    text_doc_cookies(r, pairs);
    lua_createtable(L, 0, (int)pairs->n);
    for (unsigned i = 0; i < pairs->n; i++) {
        lua_slice_push(L, pairs->list[i].name);
        lua_slice_push(L, pairs->list[i].value);
        lua_rawset(L, -3);
    }
    lua_replace(L, -2);
}

static void push_words(lua_State *L, struct slice text)
{
    struct slice word;
    lua_createtable(L, 4, 0);
    for (lua_Integer i = 1; slice_word(&text, &word); i++) {
        lua_slice_push(L, word);
        lua_rawseti(L, -2, i);
    }
}

static void set_text(lua_State *L, const char *key, struct slice text)
{
    if (text.n == 0)
        return;
    lua_slice_push(L, text);
    lua_setfield(L, -2, key);
}

static void push_caller(lua_State *L, const struct caller *c)
{
    lua_createtable(L, 0, 6);
    set_text(L, "id", c->id);
    set_text(L, "email", c->email);
    set_text(L, "role", c->role);
    set_text(L, "session", c->session);
    set_text(L, "issuer", c->issuer);
    push_words(L, c->scopes);
    lua_setfield(L, -2, "scopes");
    if (c->expires == 0)
        return;
    lua_pushinteger(L, (lua_Integer)c->expires);
    lua_setfield(L, -2, "expires_at");
}

static void push_user(lua_State *L, const struct request *r)
{
    if (r->caller != NULL)
        push_caller(L, r->caller);
    else
        lua_pushnil(L);
}

/* A route that did not ask for a JSON body may still look at one. */
static void push_body(lua_State *L, struct task *t)
{
    struct request *r = t->req;
    struct json_doc *doc = &t->docs[INTAKE_BODY];
    if (doc->n == 0 && r->body.n > 0) {
        struct json_error err;
        if (json_read(r->body, engine_env(L)->limits->json_depth_max, &r->arena, doc, &err) != JSON_OK)
            luaL_error(L, "req.body: not valid JSON: %s at byte %d (the text is in req.text)", err.message, (int)err.at);
    }
    if (doc->n > 0)
        json_push_doc(L, doc);
    else
        lua_pushnil(L);
}

/* What the route's plans have checked; false: nothing was declared. */
static bool push_checked(lua_State *L, const struct task *t, enum intake_part part)
{
    if (t->docs[part].n == 0)
        return false;
    json_push_doc(L, &t->docs[part]);
    return true;
}

static void push_lasting(lua_State *L, struct task *t, enum field f)
{
    switch (f) {
    case F_PARAMS:
        if (!push_checked(L, t, INTAKE_PARAMS))
            push_params(L, t->req);
        break;
    case F_QUERY:
        if (!push_checked(L, t, INTAKE_QUERY))
            urlencoded_push_table(L, request_query(t->req));
        break;
    case F_HEADERS:
        if (!push_checked(L, t, INTAKE_HEADERS))
            push_headers(L, t->req);
        break;
    case F_COOKIES:
        if (!push_checked(L, t, INTAKE_COOKIES))
            push_cookies(L, t->req);
        break;
    case F_BODY:
        push_body(L, t);
        break;
    default:
        push_user(L, t->req);
    }
}

static int slot_of(enum field f)
{
    return OWN_FIELDS + 1 + (int)f - F_PARAMS;
}

static void push_own_fields(lua_State *L)
{
    if (lua_getiuservalue(L, 1, OWN_FIELDS) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 4);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, OWN_FIELDS);
    }
}

static void push_ip(lua_State *L, struct request *r)
{
    char text[ADDRESS_TEXT_MAX];
    if (address_write(request_address(r), text) > 0)
        lua_pushstring(L, text);
    else
        lua_pushnil(L);
}

/* What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits. */
static void push_network(lua_State *L, struct request *r)
{
    struct address a = *request_address(r);
    char text[ADDRESS_TEXT_MAX];
    if (a.kind == ADDRESS_V6)
        memset(a.bytes + 8, 0, 8);
    if (address_write(&a, text) > 0)
        lua_pushfstring(L, a.kind == ADDRESS_V6 ? "%s/64" : "%s", text);
    else
        lua_pushnil(L);
}

/* (request, key); upvalue 1: name -> field */
static int l_index(lua_State *L)
{
    struct task *t = check(L);
    const struct request *r = t->req;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    enum field f = (enum field)lua_tointeger(L, -1);
    switch (f) {
    case F_METHOD:
        lua_slice_push(L, http_method_names[r->head.method]);
        return 1;
    case F_PATH:
        lua_slice_push(L, request_path(r));
        return 1;
    case F_TARGET:
        lua_slice_push(L, span_slice(r->base, r->head.target));
        return 1;
    case F_ID:
        lua_slice_push(L, request_id(r));
        return 1;
    case F_ROUTE:
        lua_slice_push(L, r->match.route->pattern);
        return 1;
    case F_IP:
        push_ip(L, t->req);
        return 1;
    case F_NETWORK:
        push_network(L, t->req);
        return 1;
    case F_SCHEME: /* "http" unless a trusted proxy says otherwise: that is what we speak */
        lua_pushstring(L, request_scheme(t->req) == SCHEME_HTTPS ? "https" : "http");
        return 1;
    case F_TEXT:
        lua_slice_push(L, r->body);
        return 1;
    case F_HEADER:
        lua_pushvalue(L, lua_upvalueindex(2));
        return 1;
    default:
        break;
    }
    if (f == 0) {
        if (lua_getiuservalue(L, 1, OWN_FIELDS) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, 2);
        lua_rawget(L, -2);
        return 1;
    }
    if (lua_getiuservalue(L, 1, slot_of(f)) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    push_lasting(L, t, f);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, slot_of(f));
    return 1;
}

static int l_newindex(lua_State *L)
{
    check(L);
    const char *key = luaL_checkstring(L, 2);
    lua_pushvalue(L, 2);
    enum field f = lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER ? (enum field)lua_tointeger(L, -1) : 0;
    if (f != 0 && f != F_USER && f != F_BODY)
        return luaL_error(L, "req.%s can't be set", key);
    lua_settop(L, 3);
    if (f != 0) {
        lua_setiuservalue(L, 1, slot_of(f));
        return 0;
    }
    push_own_fields(L);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    return 0;
}

/* req:header(name) -> the first value, or nil */
static int l_header(lua_State *L)
{
    const struct task *t = check(L);
    struct slice v = request_header_named(t->req, lua_slice_check(L, 2));
    if (v.p == NULL)
        lua_pushnil(L);
    else
        lua_slice_push(L, v);
    return 1;
}

static int l_tostring(lua_State *L)
{
    struct task **box = userdata_check(L, 1, USERDATA_REQUEST);
    if (*box == NULL) {
        lua_pushliteral(L, "neap.request (over)");
        return 1;
    }
    const struct request *r = (*box)->req;
    struct slice path = request_path(r);
    lua_pushlstring(L, path.p, path.n);
    lua_pushfstring(L, "neap.request (%s %s)", http_method_names[r->head.method].p, lua_tostring(L, -1));
    return 1;
}

void lib_request_install(lua_State *L)
{
    luaL_newmetatable(L, "neap.request");
    userdata_class_is(L, USERDATA_REQUEST);
    lua_createtable(L, 0, F_COUNT);
    for (int f = 1; f < F_COUNT; f++) {
        lua_pushinteger(L, f);
        lua_setfield(L, -2, field_names[f]);
    }
    lua_pushvalue(L, -1);
    lua_pushcfunction(L, l_header);
    lua_pushcclosure(L, l_index, 2);
    lua_setfield(L, -3, "__index");
    lua_pushcclosure(L, l_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

void **lib_request_push_box(lua_State *L)
{
    void **box = lua_newuserdatauv(L, sizeof *box, BOX_VALUES);
    *box = NULL;
    userdata_set_class(L, USERDATA_REQUEST);
    return box;
}
