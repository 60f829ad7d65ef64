#include "core/script/admit.c"
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
