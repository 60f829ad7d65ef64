#include "core/redis/place.c"
#include "spec/core/test.h"

static struct redis_place place;

static bool reads(const char *url)
{
    return redis_place_parse(slice_str(url), &place);
}

static bool is(const char *host, unsigned port, unsigned db, const char *user, const char *password)
{
    return strcmp(place.host, host) == 0 && place.port == port && place.db == db && strcmp(place.user, user) == 0 &&
           strcmp(place.password, password) == 0;
}

TEST("a URL names a host, and what goes without saying is left out")
{
    CHECK(reads("redis://localhost") && is("localhost", 6379, 0, "", ""));
    CHECK(reads("redis://localhost/") && is("localhost", 6379, 0, "", ""));
    CHECK(reads("redis://127.0.0.1:6380/2") && is("127.0.0.1", 6380, 2, "", ""));
    CHECK(reads("redis://[::1]:6380/2") && is("::1", 6380, 2, "", ""));
    CHECK(reads("redis://[::1]") && is("::1", 6379, 0, "", ""));
    CHECK(reads("redis://:secret@db.example:7000") && is("db.example", 7000, 0, "", "secret"));
    CHECK(reads("redis://ann:p%40ss%3Aword@db.example/1") && is("db.example", 6379, 1, "ann", "p@ss:word"));
    CHECK(reads("redis://ann:a@b:c@db.example") && is("db.example", 6379, 0, "ann", "a@b:c"));
}

TEST("or the path of a Unix socket")
{
    CHECK(reads("unix:///run/redis.sock") && place.is_path && is("/run/redis.sock", 0, 0, "", ""));
    CHECK(reads("unix://:pw@/run/redis.sock?db=4") && place.is_path && is("/run/redis.sock", 0, 4, "", "pw"));
}

TEST("what is neither is refused")
{
    static const char *const bad[] = {"",
                                      "redis://",
                                      "redis://:6379",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:x",
                                      "redis://h/x",
                                      "redis://h/1/2",
                                      "rediss://h",
                                      "http://h",
                                      "unix://run",
                                      "unix:///a?db=x",
                                      "unix:///a?x",
                                      "redis://pw@h",
                                      "redis://:@h",
                                      "redis://u:%zz@h",
                                      "redis://u:%00@h",
                                      "redis://[::1",
                                      "redis://[::1]x",
                                      "redis://h/9999999"};
    char text[400];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!reads(bad[i]));
    snprintf(text, sizeof text, "redis://%0300d", 1);
    CHECK(!reads(text));
}
