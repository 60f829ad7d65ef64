#include "script/request/admit.h"

#include "http/caller.h"
#include "http/csrf.h"
#include "http/response.h"
#include "script/auth/auth.h"
#include "script/auth/bearer.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include <lauxlib.h>
#include <stdio.h>

static struct slice kept(struct request *req, const char *text)
{
    size_t n = strlen(text);
    return slice_of(arena_dup(&req->arena, text, n), n);
}

/* --as, and the user of a spec: copied, because the next request of a spec may be somebody else's. */
static struct caller *assumed(struct request *req, const struct script_user *user)
{
    struct caller *c = arena_alloc(&req->arena, sizeof *c);
    *c = (struct caller){.id = kept(req, user->id),
                         .email = kept(req, user->email),
                         .role = kept(req, user->role),
                         .scopes = kept(req, user->scopes),
                         .session = kept(req, user->session)};
    return c;
}

/* RFC 6750 3: a 401 names the scheme, and without a token nothing else. */
static const struct {
    int status;
    const char *code, *message, *headers;
} refusals[] = {
    [AUTH_OK] = {401, "token_missing", "Sign in to use this", "WWW-Authenticate: Bearer\r\n"},
    [AUTH_EXPIRED] =
        {401, "token_expired", "The access token has expired",
         "WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"The access token has expired\"\r\n"},
    [AUTH_INVALID] = {401, "token_invalid", "The access token is not valid",
                      "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"},
    [AUTH_LATER] = {503, "unavailable", "The keys of the token's issuer are being fetched", "Retry-After: 1\r\n"},
};

static bool nobody(struct request *req, enum auth_status why, const char *forged)
{
    if (req->match.route->auth == ROUTE_AUTH_NONE)
        return true;
    if (forged != NULL) {
        response_error(req, 403, "csrf", slice_str(forged), (struct slice){0}, (struct slice){0});
        return false;
    }
    response_error(req, refusals[why].status, refusals[why].code, slice_str(refusals[why].message), (struct slice){0},
                   slice_str(refusals[why].headers));
    return false;
}

/* Who the request's own token is of; NULL, and why (AUTH_OK: it has none). */
static struct caller *bearer_of(struct service *s, struct request *req, enum auth_status *why)
{
    struct slice token;
    struct caller *c;
    bool by_cookie;
    enum bearer_status where = bearer_find(req, &token, &by_cookie);
    *why = where == BEARER_NONE ? AUTH_OK : AUTH_INVALID;
    if (where != BEARER_FOUND || s->auth == NULL)
        return NULL;
    *why = auth_read(s->auth, token, &req->arena, &c);
    if (*why == AUTH_OK && c->pending && s->name_outsider == LUA_NOREF)
        *why = AUTH_INVALID;
    if (*why != AUTH_OK)
        return NULL;
    c->by_cookie = by_cookie;
    return c;
}

/* A route for everybody takes a caller who is signed in, and takes one whose token is no good for nobody: signing in is such
 * a route. With --as whoever has no right token is that user: a cookie of another application on this host locks nobody
 * out. */
static bool authenticate(struct service *s, struct request *req)
{
    enum auth_status why;
    const struct script_env *env = s->engine.env;
    const char *forged = NULL;
    struct caller *c = bearer_of(s, req, &why);
    if (c == NULL && env->as.id[0] != 0) {
        forged = env->mode == SCRIPT_DEV ? csrf_fault_of_assumed(req, env->listen_host) : NULL; /* a spec is no browser */
        c = forged == NULL ? assumed(req, &env->as) : NULL;
    }
    if (c == NULL)
        return nobody(req, why, forged);
    req->caller = c;
    req->user_id = c->id;
    return true;
}

static bool has_role(enum route_auth wanted, const struct caller *c)
{
    switch (wanted) {
    case ROUTE_AUTH_ADMIN:
        return slice_eq(c->role, SLICE_LIT("admin"));
    case ROUTE_AUTH_SERVICE:
        return slice_eq(c->role, SLICE_LIT("service"));
    default:
        return true;
    }
}

static bool has_scopes(struct slice wanted, struct slice held)
{
    struct slice scope, one;
    while (slice_word(&wanted, &scope)) {
        struct slice left = held;
        bool found = false;
        while (!found && slice_word(&left, &one))
            found = slice_eq(scope, one);
        if (!found)
            return false;
    }
    return true;
}

const char *admit_refusal(const struct request *req)
{
    const struct route *route = req->match.route;
    if (route->auth == ROUTE_AUTH_NONE || req->caller == NULL)
        return NULL;
    if (!has_role(route->auth, req->caller))
        return "Your role may not use this";
    return has_scopes(route->scopes, req->caller->scopes) ? NULL : "Your token lacks a scope that this needs";
}

/* RFC 6750 3.1: who lacks a scope is told which ones this takes. Scopes have no quotes in them, lib_route.c has looked. */
static bool authorize(struct request *req)
{
    const struct route *route = req->match.route;
    char challenge[ROUTE_SCOPES_BYTES_MAX + 80] = "";
    if (req->caller != NULL && req->caller->pending)
        return true; /* judged when the user is known */
    const char *why = admit_refusal(req);
    if (why == NULL)
        return true;
    if (has_role(route->auth, req->caller))
        snprintf(challenge, sizeof challenge, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"%.*s\"\r\n",
                 (int)route->scopes.n, route->scopes.p);
    response_error(req, 403, "forbidden", slice_str(why), (struct slice){0}, slice_str(challenge));
    return false;
}

static bool refuse_forged(struct request *req)
{
    const char *fault = NULL;
    if (!csrf_concerns(req))
        return true;
    if (req->caller != NULL && req->caller->by_cookie)
        fault = csrf_fault(req);
    else if (req->match.route->csrf)
        fault = csrf_fault_of_guest(req);
    if (fault == NULL)
        return true;
    response_error(req, 403, "csrf", slice_str(fault), (struct slice){0}, (struct slice){0});
    return false;
}

bool admit_request(struct request *req, void *arg)
{
    (void)arg;
    struct service *s = service_of_request(req);
    const struct script_env *env = s->engine.env;
    const struct limit_rules *limits = &service_operation(s, req)->limits;
    return limit_admit(env, limits, LIMIT_BY_ADDRESS, req) && authenticate(s, req) && refuse_forged(req) && authorize(req) &&
           limit_admit(env, limits, LIMIT_BY_USER, req);
}
