#ifndef SCRIPT_REQUEST_SERVICE_H
#define SCRIPT_REQUEST_SERVICE_H
/* An engine as requests see it: the routes of its application, what they mean, who may call them, and the answer that is
 * being made. Each engine is one; the files that run Lua know the engine inside it alone. */
#include "base/buf.h"
#include "http/request.h"
#include "http/route.h"
#include "script/request/operation.h"
#include "script/request/reply.h"
#include "script/runtime/engine.h"
#include <lauxlib.h>

struct auth;

struct service {
    struct engine engine;         /* first, so that either is found from the other */
    struct route_table *routes;   /* counted once for the engine until it is retired */
    struct operations operations; /* what the routes mean, by their numbers */
    struct auth *auth;            /* owned; NULL: nobody can sign in */
    int name_outsider;            /* registry reference: names the user behind an issuer's subject, or LUA_NOREF */
    int error_mapper;             /* registry reference, or LUA_NOREF */
    char *docs_path;              /* owned; of the page that shows the routes to people, NULL: there is none */
    const void *response_class;   /* address of the metatable of neap.response; NULL: not loaded */
    struct list outlets;          /* answers that outlived their handlers */
    struct reply reply;           /* of the task that ends now */
    struct buf scratch;           /* body bytes of that reply */
    struct buf scratch_headers;
};

static inline struct service *service_of_engine(struct engine *e)
{
    return (struct service *)e;
}

static inline struct service *service_of(lua_State *L)
{
    return service_of_engine(engine_of(L));
}

static inline struct service *service_of_request(const struct request *req)
{
    return route_table_arg(req->table);
}

/* A function at index 1 takes the place of the one that the registry reference holds. */
static inline void service_keep_function(lua_State *L, int *ref)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, *ref);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static inline const struct operation *service_operation(const struct service *s, const struct request *req)
{
    return operation_at(&s->operations, req->match.route->handler);
}
#endif
