#include "core/script/request/admit.c"
#include "spec/core/test.h"

#define S(text) slice_str(text)

TEST("every scope that is wanted must be held, whole, and more may be")
{
    CHECK(has_scopes(S(""), S("")) && has_scopes(S(""), S("a b")));
    CHECK(has_scopes(S("tasks:read"), S("agents:read tasks:read")) && has_scopes(S("a b"), S("c b a")));
    CHECK(!has_scopes(S("tasks:read"), S("")) && !has_scopes(S("tasks:read"), S("tasks:reader tasks tasks:rea")));
    CHECK(!has_scopes(S("a b"), S("a")) && !has_scopes(S("a b"), S("ab")) && !has_scopes(S("a"), S("A")));
    CHECK(has_scopes(S("a  b "), S("  b   a")));
}

TEST("a role opens its own routes; any role opens those of users")
{
    const struct caller user = {.role = S("user")}, admin = {.role = S("admin")}, service = {.role = S("service")};
    const struct caller none = {.role = S("")}, odd = {.role = S("Admin")};
    CHECK(has_role(ROUTE_AUTH_USER, &user) && has_role(ROUTE_AUTH_USER, &admin) && has_role(ROUTE_AUTH_USER, &service));
    CHECK(has_role(ROUTE_AUTH_ADMIN, &admin) && has_role(ROUTE_AUTH_SERVICE, &service));
    CHECK(!has_role(ROUTE_AUTH_ADMIN, &user) && !has_role(ROUTE_AUTH_ADMIN, &service) && !has_role(ROUTE_AUTH_ADMIN, &none));
    CHECK(!has_role(ROUTE_AUTH_ADMIN, &odd) && !has_role(ROUTE_AUTH_SERVICE, &admin) &&
          !has_role(ROUTE_AUTH_SERVICE, &user));
}

TEST("an assumed user is copied: the next request may be somebody else's")
{
    struct request req = {0};
    struct script_user user = {.id = "u", .email = "e", .role = "r", .scopes = "a b", .session = "f"};
    const struct caller *c = assumed(&req, &user);
    memset(&user, 'x', sizeof user);
    CHECK_STR(c->id.p, c->id.n, "u");
    CHECK_STR(c->email.p, c->email.n, "e");
    CHECK_STR(c->role.p, c->role.n, "r");
    CHECK_STR(c->scopes.p, c->scopes.n, "a b");
    CHECK_STR(c->session.p, c->session.n, "f");
    CHECK(!c->by_cookie && !c->pending && c->issuer.n == 0 && c->expires == 0);
    arena_free(&req.arena);
}
