#include "core/base/clock.c"
#include "spec/core/test.h"

static void check_rfc3339(int64_t us, const char *want)
{
    char out[CLOCK_RFC3339_BYTES];
    clock_write_rfc3339(out, us);
    CHECK_STR(out, sizeof out, want);
}

static void check_http_date(int64_t s, const char *want)
{
    char out[CLOCK_HTTP_DATE_BYTES];
    write_http_date(out, s);
    CHECK_STR(out, sizeof out, want);
}

TEST("RFC 3339 around leap days, centuries and the epoch")
{
    check_rfc3339(0, "1970-01-01T00:00:00.000000Z");
    check_rfc3339(-1, "1969-12-31T23:59:59.999999Z");
    check_rfc3339(951782400000000, "2000-02-29T00:00:00.000000Z");
    check_rfc3339(951868799123456, "2000-02-29T23:59:59.123456Z");
    check_rfc3339(4107542400000000, "2100-03-01T00:00:00.000000Z");
    check_rfc3339(-2203891200000000, "1900-03-01T00:00:00.000000Z");
    check_rfc3339(1795199760123456, "2026-11-20T18:36:00.123456Z");
    check_rfc3339(253402300799999999, "9999-12-31T23:59:59.999999Z");
}

TEST("the weekday of every day of three centuries is what the C library says")
{
    for (int64_t day = -40000; day < 70000; day++) {
        time_t t = (time_t)day * DAY_S;
        struct tm tm;
        gmtime_r(&t, &tm);
        CHECK(weekday_of(day) == tm.tm_wday);
    }
}

TEST("the HTTP date is an IMF-fixdate")
{
    check_http_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of RFC 9110 5.6.7 */
    check_http_date(1795199760, "Fri, 20 Nov 2026 18:36:00 GMT");
}

TEST("the kept HTTP date is of this second")
{
    time_t before = time(NULL) - 1;
    char want[3][CLOCK_HTTP_DATE_BYTES];
    struct slice got = clock_http_date();
    bool found = false;
    for (int i = 0; i < 3; i++) {
        write_http_date(want[i], before + i);
        found |= memcmp(want[i], got.p, sizeof want[i]) == 0;
    }
    CHECK(found);
}

TEST("monotonic time goes on")
{
    uint64_t a = clock_monotonic_us();
    CHECK(clock_monotonic_us() >= a);
    CHECK(clock_wall_us() > 1700000000000000);
}
