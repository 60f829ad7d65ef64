#include "script/admit.h"

#include "http/caller.h"
#include "http/csrf.h"
#include "http/response.h"
#include "script/engine_internal.h"
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
                         .scopes = kept(req, user->scopes)};
    return c;
}

/* RFC 6750 3: a 401 names the scheme, and without a token nothing else. */
static bool authenticate(const struct engine *e, struct request *req)
{
    if (e->env->as.id[0] != 0) {
        req->caller = assumed(req, &e->env->as);
        req->user_id = req->caller->id;
        return true;
    }
    if (req->match.route->auth == ROUTE_AUTH_NONE)
        return true;
    response_error(req, 401, "token_missing", SLICE_LIT("Sign in to use this"), (struct slice){0},
                   SLICE_LIT("WWW-Authenticate: Bearer\r\n"));
    return false;
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

static bool refuse(struct request *req, const char *message, struct slice headers)
{
    response_error(req, 403, "forbidden", slice_str(message), (struct slice){0}, headers);
    return false;
}

/* RFC 6750 3.1: who lacks a scope is told which ones this takes. Scopes have no quotes in them, lib_route.c has looked. */
static bool authorize(struct request *req)
{
    const struct route *route = req->match.route;
    char challenge[ROUTE_SCOPES_BYTES_MAX + 80];
    if (route->auth == ROUTE_AUTH_NONE || req->caller == NULL)
        return true;
    if (!has_role(route->auth, req->caller))
        return refuse(req, "Your role may not use this", (struct slice){0});
    if (has_scopes(route->scopes, req->caller->scopes))
        return true;
    snprintf(challenge, sizeof challenge, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"%.*s\"\r\n",
             (int)route->scopes.n, route->scopes.p);
    return refuse(req, "Your token lacks a scope that this needs", slice_str(challenge));
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
    const struct engine *e = route_table_arg(req->table);
    const struct limit_rules *limits = &operation_at(&e->operations, req->match.route->handler)->limits;
    return limit_admit(e->env, limits, LIMIT_BY_ADDRESS, req) && authenticate(e, req) && refuse_forged(req) &&
           authorize(req) && limit_admit(e->env, limits, LIMIT_BY_USER, req);
}
