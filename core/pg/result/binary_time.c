#include "pg/result/binary_time.h"
#include "base/date.h"
#include "base/number.h"

enum { DAYS_TO_2000 = 10957 /* from 1970-01-01 */ };
#define DAY_US INT64_C(86400000000)

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static char *put_two(char *p, unsigned v)
{
    memcpy(p, pairs + (size_t)2 * v, 2);
    return p + 2;
}

/* At least four digits; BC is said at the end of the text, and has no year 0. */
static char *put_date(char *p, struct date d)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = number_write_u64(digits, (uint64_t)(d.year > 0 ? d.year : 1 - d.year));

    for (size_t i = n; i < 4; i++)
        *p++ = '0';
    memcpy(p, digits, n);
    p += n;
    *p++ = '-';
    p = put_two(p, (unsigned)d.month);
    *p++ = '-';
    return put_two(p, (unsigned)d.day);
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

size_t binary_write_rfc3339(char out[static BINARY_TIME_MAX], int64_t us, bool with_zone)
{
    struct instant t = instant_of(us);

    if (t.date.year < 1 || t.date.year > 9999)
        return 0;
    memcpy(out, "YYYY-MM-DDTHH:MM:SS.ffffffZ", 27);
    put_two(out, (unsigned)t.date.year / 100);
    put_two(out + 2, (unsigned)t.date.year % 100);
    put_two(out + 5, (unsigned)t.date.month);
    put_two(out + 8, (unsigned)t.date.day);
    put_two(out + 11, t.second / 3600);
    put_two(out + 14, t.second / 60 % 60);
    put_two(out + 17, t.second % 60);
    put_two(out + 20, t.us / 10000);
    put_two(out + 22, t.us / 100 % 100);
    put_two(out + 24, t.us % 100);
    return with_zone ? 27 : 26;
}
