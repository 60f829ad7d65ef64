#include "pg/result/binary_time.h"
#include "base/date.h"
#include <string.h>

enum {
    DAYS_TO_2000 = 10957, /* from 1970-01-01 */
    YEAR_1 = -730119,     /* its first day, from 2000-01-01 */
    YEAR_10000 = 2921940, /* likewise */
};
#define DAY_US INT64_C(86400000000)

/* BC is said at the end of the text, and has no year 0. */
static char *put_date(char *p, struct date d)
{
    d.year = d.year > 0 ? d.year : 1 - d.year;
    return date_put_day(p, d);
}

static char *put_era(char *p, struct date d)
{
    if (d.year > 0)
        return p;
    memcpy(p, " BC", 3);
    return p + 3;
}

size_t binary_write_date(char out[static BINARY_TIME_MAX], int64_t days)
{
    struct date d = date_from_days(days + DAYS_TO_2000);

    return (size_t)(put_era(put_date(out, d), d) - out);
}

/* A time of six digits or none; what trails in zeros is not written. */
static char *put_fraction(char *p, unsigned us)
{
    if (us == 0)
        return p;
    *p++ = '.';
    p = date_put_digits(p, (int)us, 6);
    while (p[-1] == '0')
        p--;
    return p;
}

struct instant {
    struct date date;
    unsigned second, us; /* of the day, of the second */
};

static struct instant instant_of(int64_t us)
{
    int64_t days = us / DAY_US - (us % DAY_US < 0), rest = us - days * DAY_US;

    return (struct instant){date_from_days(days + DAYS_TO_2000), (unsigned)(rest / 1000000), (unsigned)(rest % 1000000)};
}

size_t binary_write_timestamp(char out[static BINARY_TIME_MAX], int64_t us, bool with_zone)
{
    struct instant t = instant_of(us);
    char *p = put_date(out, t.date);

    *p++ = ' ';
    p = put_fraction(date_put_time(p, (int)t.second), t.us);
    if (with_zone) {
        memcpy(p, "+00", 3);
        p += 3;
    }
    return (size_t)(put_era(p, t.date) - out);
}

/* "YYYY-MM-DD" of a day from year 1 to 9999. The times of a page are mostly of a few days, of which the last are kept. */
static const char *day_text(int64_t days)
{
    enum { KEPT = 8 };
    static _Thread_local struct {
        int64_t days; /* from 1 on, so that zero is none */
        char text[10];
    } kept[KEPT];
    int64_t number = days - YEAR_1 + 1;
    char *text = kept[number % KEPT].text;

    if (kept[number % KEPT].days != number) {
        date_put_day(text, date_from_days(days + DAYS_TO_2000));
        kept[number % KEPT].days = number;
    }
    return text;
}

size_t binary_write_rfc3339(char out[static BINARY_TIME_MAX], int64_t us, bool with_zone)
{
    if (us < YEAR_1 * DAY_US || us >= YEAR_10000 * DAY_US)
        return 0;

    uint64_t since = (uint64_t)(us - YEAR_1 * DAY_US), days = since / DAY_US, rest = since % DAY_US;
    char *p = out + 10;

    memcpy(out, day_text((int64_t)days + YEAR_1), 10);
    *p++ = 'T';
    p = date_put_time(p, (int)(rest / 1000000));
    *p++ = '.';
    p = date_put_digits(p, (int)(rest % 1000000), 6);
    if (with_zone)
        *p++ = 'Z';
    return (size_t)(p - out);
}
