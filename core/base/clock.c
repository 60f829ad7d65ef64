#include "base/clock.h"
#include "base/date.h"
#include <assert.h>
#include <time.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

enum { US = 1000000, DAY_S = 86400 };

uint64_t clock_monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * US + (uint64_t)t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * US + t.tv_nsec / 1000;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void clock_write_rfc3339(char out[static CLOCK_RFC3339_BYTES], int64_t wall_us)
{
    int64_t s = floor_div(wall_us, US), days = floor_div(s, DAY_S);
    struct date d = date_from_days(days);
    assert(d.year >= 0 && d.year <= 9999); /* RFC 3339 has four digits for the year */

    char *p = date_put_day(out, d);
    *p++ = 'T';
    p = date_put_time(p, (int)(s - days * DAY_S));
    *p++ = '.';
    p = date_put_digits(p, (int)(wall_us - s * US), 6);
    *p = 'Z';
}

/* From 0, which is Sunday. */
static int64_t weekday_of(int64_t days)
{
    return ((days + 4) % 7 + 7) % 7;
}

static void write_http_date(char out[static CLOCK_HTTP_DATE_BYTES], int64_t s)
{
    int64_t days = floor_div(s, DAY_S);
    struct date d = date_from_days(days);

    memcpy(out, weekdays + 3 * weekday_of(days), 3);
    memcpy(out + 3, ", ", 2);
    char *p = date_put_digits(out + 5, d.day, 2);
    *p++ = ' ';
    memcpy(p, months + 3 * (d.month - 1), 3);
    p[3] = ' ';
    p = date_put_digits(p + 4, d.year, 4);
    *p++ = ' ';
    p = date_put_time(p, (int)(s - days * DAY_S));
    memcpy(p, " GMT", 4);
}

struct slice clock_http_date(void)
{
    static char text[CLOCK_HTTP_DATE_BYTES];
    static int64_t made_at = INT64_MIN;
    struct timespec t;

    clock_gettime(CLOCK_REALTIME_COARSE, &t); /* the last tick of the kernel is near enough, and half the price */
    if (t.tv_sec != made_at) {
        write_http_date(text, t.tv_sec);
        made_at = t.tv_sec;
    }
    return (struct slice){text, sizeof text};
}
