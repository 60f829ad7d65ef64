#include "base/clock.h"
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

struct civil {
    int year, month, day, weekday; /* month from 1, weekday from 0 = Sunday */
};

/* Days since 1970-01-01 to a Gregorian date, counting years from the first of March so that the leap day comes last.
 * gmtime_r would take the time zone lock. An era is 400 years or 146,097 days, the period of the calendar; doe and yoe are
 * the day and the year of it, doy the day of that year. From March on, five months in a row have 153 days. */
static struct civil civil_from_days(int64_t days)
{
    int64_t z = days + 719468; /* days from 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int64_t weekday = ((days + 4) % 7 + 7) % 7;
    return (struct civil){(int)(yoe + era * 400) + (month <= 2), month, (int)(doy - (153 * mp + 2) / 5 + 1), (int)weekday};
}

static char *put_digits(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

static char *put_time(char *p, int second_of_day)
{
    p = put_digits(p, second_of_day / 3600, 2);
    *p++ = ':';
    p = put_digits(p, second_of_day / 60 % 60, 2);
    *p++ = ':';
    return put_digits(p, second_of_day % 60, 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void clock_write_rfc3339(char out[static CLOCK_RFC3339_BYTES], int64_t wall_us)
{
    int64_t s = floor_div(wall_us, US), days = floor_div(s, DAY_S);
    struct civil c = civil_from_days(days);
    assert(c.year >= 0 && c.year <= 9999); /* RFC 3339 has four digits for the year */

    char *p = put_digits(out, c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_time(p, (int)(s - days * DAY_S));
    *p++ = '.';
    p = put_digits(p, (int)(wall_us - s * US), 6);
    *p = 'Z';
}

static void write_http_date(char out[static CLOCK_HTTP_DATE_BYTES], int64_t s)
{
    int64_t days = floor_div(s, DAY_S);
    struct civil c = civil_from_days(days);

    memcpy(out, weekdays + 3 * c.weekday, 3);
    memcpy(out + 3, ", ", 2);
    char *p = put_digits(out + 5, c.day, 2);
    *p++ = ' ';
    memcpy(p, months + 3 * (c.month - 1), 3);
    p[3] = ' ';
    p = put_digits(p + 4, c.year, 4);
    *p++ = ' ';
    p = put_time(p, (int)(s - days * DAY_S));
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
