#include "core/http/route.c"
#include "spec/core/test.h"

static struct route_table *table;
static struct route_match match;
static char err[200];

static int add(enum http_method method, const char *pattern, int handler)
{
    return route_add(table, &(struct route){.method = method, .pattern = slice_str(pattern), .handler = handler}, err,
                     sizeof err);
}

static int found(enum http_method method, const char *path)
{
    enum route_status status = route_match(table, method, path, (struct span){0, (uint16_t)strlen(path)}, &match);
    return status == ROUTE_FOUND ? match.route->handler : -(int)status;
}

static void make(void)
{
    table = route_table_new(NULL, NULL);
}

static void drop(void)
{
    route_table_unref(table);
}

static bool param_is(const char *path, unsigned i, const char *want)
{
    return slice_eq(span_slice(path, match.params[i]), slice_str(want));
}

TEST("literals and parameters are told apart")
{
    make();
    CHECK_INT(add(METHOD_GET, "/", 1), 0);
    CHECK_INT(add(METHOD_GET, "/tasks", 2), 0);
    CHECK_INT(add(METHOD_GET, "/tasks/{id}", 3), 0);
    CHECK_INT(add(METHOD_GET, "/tasks/stats", 4), 0);
    CHECK_INT(add(METHOD_POST, "/tasks/{id}/assign/{who}", 5), 0);
    CHECK_INT(found(METHOD_GET, "/"), 1);
    CHECK_INT(found(METHOD_GET, "/tasks"), 2);
    CHECK_INT(found(METHOD_GET, "/tasks/7"), 3);
    CHECK(param_is("/tasks/7", 0, "7"));
    CHECK_INT(found(METHOD_GET, "/tasks/stats"), 4);
    CHECK_INT(found(METHOD_POST, "/tasks/7/assign/me"), 5);
    CHECK(param_is("/tasks/7/assign/me", 0, "7") && param_is("/tasks/7/assign/me", 1, "me"));
    CHECK_INT(match.route->param_count, 2);
    CHECK(slice_eq(match.route->params[1], SLICE_LIT("who")));
    drop();
}

TEST("a path that is nobody's is not found")
{
    make();
    CHECK_INT(add(METHOD_GET, "/tasks/{id}", 1), 0);
    static const char *const paths[] = {"/",         "/tasks",  "/tasks/", "/tasks//",  "/tasks/1/", "/tasks/1/2",
                                        "//tasks/1", "/task/1", "*",       "/tasksx/1", "/Tasks/1"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK_INT(found(METHOD_GET, paths[i]), -ROUTE_NOT_FOUND);
    CHECK_INT(found(METHOD_GET, ""), -ROUTE_NOT_FOUND);
    drop();
}

TEST("a trailing slash is another path")
{
    make();
    CHECK_INT(add(METHOD_GET, "/a/", 1), 0);
    CHECK_INT(add(METHOD_GET, "/a", 2), 0);
    CHECK_INT(found(METHOD_GET, "/a/"), 1);
    CHECK_INT(found(METHOD_GET, "/a"), 2);
    drop();
}

TEST("a literal that leads nowhere gives way to the parameter beside it")
{
    make();
    CHECK_INT(add(METHOD_GET, "/a/{x}/c", 1), 0);
    CHECK_INT(add(METHOD_GET, "/a/b/d", 2), 0);
    CHECK_INT(add(METHOD_POST, "/a/b/c", 3), 0);
    CHECK_INT(found(METHOD_GET, "/a/b/d"), 2);
    CHECK_INT(found(METHOD_GET, "/a/b/c"), 1);
    CHECK(param_is("/a/b/c", 0, "b"));
    CHECK_INT(found(METHOD_POST, "/a/b/c"), 3);
    drop();
}

TEST("a segment is split before it is decoded, and a literal matches its escaped form")
{
    make();
    CHECK_INT(add(METHOD_GET, "/a b", 1), -1); /* a blank is no literal */
    CHECK_INT(add(METHOD_GET, "/tasks", 1), 0);
    CHECK_INT(add(METHOD_GET, "/x/{id}", 2), 0);
    CHECK_INT(found(METHOD_GET, "/%74asks"), 1);
    CHECK_INT(found(METHOD_GET, "/%54asks"), -ROUTE_NOT_FOUND);
    CHECK_INT(found(METHOD_GET, "/x/a%2Fb"), 2);
    CHECK(param_is("/x/a%2Fb", 0, "a%2Fb"));
    CHECK_INT(found(METHOD_GET, "%2Ftasks"), -ROUTE_NOT_FOUND);
    char longest[1200] = "/";
    for (int i = 0; i < 300; i++)
        strcat(longest, "%74");
    CHECK_INT(found(METHOD_GET, longest), -ROUTE_NOT_FOUND);
    drop();
}

TEST("another method of a path is not allowed, and all that are get named")
{
    char allow[64];
    make();
    CHECK_INT(add(METHOD_GET, "/a", 1), 0);
    CHECK_INT(add(METHOD_POST, "/a", 2), 0);
    CHECK_INT(add(METHOD_DELETE, "/{x}", 3), 0);
    CHECK_INT(found(METHOD_PUT, "/a"), -ROUTE_METHOD_NOT_ALLOWED);
    CHECK_STR(allow, route_write_allow(allow, match.allow), "GET, HEAD, POST, DELETE, OPTIONS");
    CHECK_INT(found(METHOD_OPTIONS, "/b"), -ROUTE_METHOD_NOT_ALLOWED);
    CHECK_STR(allow, route_write_allow(allow, match.allow), "DELETE, OPTIONS");
    CHECK_INT(found(METHOD_DELETE, "/a"), 3);
    CHECK_STR(allow, route_write_allow(allow, (1u << METHOD_COUNT) - 1), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    drop();
}

TEST("HEAD finds the GET route unless it has its own")
{
    make();
    CHECK_INT(add(METHOD_GET, "/a", 1), 0);
    CHECK_INT(add(METHOD_GET, "/b", 2), 0);
    CHECK_INT(add(METHOD_HEAD, "/b", 3), 0);
    CHECK_INT(found(METHOD_HEAD, "/a"), 1);
    CHECK_INT(found(METHOD_HEAD, "/b"), 3);
    drop();
}

TEST("patterns that mean nothing, or the same thing twice, are refused with a reason")
{
    make();
    CHECK_INT(add(METHOD_GET, "/a/{x}", 1), 0);
    static const char *const patterns[] = {"",         "a",      "/a//b",  "//",     "/{",   "/a{x}", "/{x}y",
                                           "/{}",      "/{1x}",  "/{x-y}", "/a%20b", "/a?b", "/a#b",  "/a\tb",
                                           "/{x}/{x}", "/a/{y}", "/a/{x}", "/\"a\"", "/a\\b"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        err[0] = 0;
        if (add(METHOD_GET, patterns[i], 2) == 0)
            printf("  taken: %s\n", patterns[i]);
        CHECK(err[0] != 0);
    }
    CHECK_INT(add(METHOD_GET, "/a/{y}", 1), -1);
    CHECK_STR(err, strlen(err), "GET /a/{y}: the same method and path twice");
    CHECK_INT(add(METHOD_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", 1), 0);
    CHECK_INT(add(METHOD_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", 1), -1);
    CHECK_INT(add(METHOD_POST, "/a/{y}", 1), 0);
    CHECK_INT(route_count(table), 3);
    drop();
}

TEST("routes keep their order and own their patterns")
{
    make();
    char pattern[] = "/one/{id}";
    CHECK_INT(add(METHOD_GET, pattern, 1), 0);
    memset(pattern, 'x', sizeof pattern - 1);
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "/r%d", (i * 37) % 100);
        CHECK_INT(add(METHOD_GET, text, 100 + (i * 37) % 100), 0);
    }
    CHECK_INT(route_count(table), 101);
    CHECK(slice_eq(route_at(table, 0)->pattern, SLICE_LIT("/one/{id}")));
    CHECK(slice_eq(route_at(table, 0)->params[0], SLICE_LIT("id")));
    CHECK_INT(route_at(table, 2)->handler, 137);
    CHECK_INT(found(METHOD_GET, "/r99"), 199);
    CHECK_INT(found(METHOD_GET, "/r0"), 100);
    drop();
}

static void count_free(void *arg)
{
    (*(int *)arg)++;
}

TEST("the last holder of a table frees it and tells its owner")
{
    int freed = 0;
    struct route_table *t = route_table_new(count_free, &freed);
    route_table_ref(t);
    route_table_unref(t);
    CHECK_INT(freed, 0);
    route_table_unref(t);
    CHECK_INT(freed, 1);
    route_table_unref(NULL);
}
