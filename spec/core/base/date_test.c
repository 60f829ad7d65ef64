#include "core/base/date.c"
#include "spec/core/test.h"
#include <time.h>

TEST("every day of a thousand years is what the C library says")
{
    int wrong = 0;

    for (int64_t day = -200000; day < 200000; day++) { /* 1422 to 2517 */
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        struct date d = date_from_days(day);
        wrong += d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 || d.day != tm.tm_mday;
    }
    CHECK_INT(wrong, 0);
}

TEST("so are days far away, on both sides")
{
    const int64_t days[] = {-719528, -719529, -719163, -2440588, 106751990, 2147483647, -2147483647};
    int wrong = 0;

    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        time_t t = (time_t)(days[i] * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        struct date d = date_from_days(days[i]);
        wrong += d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 || d.day != tm.tm_mday;
    }
    CHECK_INT(wrong, 0);
}

TEST("digits and times have their width")
{
    char out[16];

    CHECK(date_put_digits(out, 42, 6) == out + 6);
    CHECK_STR(out, 6, "000042");
    CHECK(date_put_time(out, 86399) == out + 8);
    CHECK_STR(out, 8, "23:59:59");
    CHECK(date_put_day(out, (struct date){44, 3, 15}) == out + 10);
    CHECK_STR(out, 10, "0044-03-15");
    CHECK(date_put_day(out, (struct date){294276, 12, 31}) == out + 12);
    CHECK_STR(out, 12, "294276-12-31");
}
