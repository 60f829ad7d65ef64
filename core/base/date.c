#include "base/date.h"
#include <string.h>

/* Years are counted from the first of March so that the leap day comes last. gmtime_r would take the time zone lock. An era
 * is 400 years or 146,097 days, the period of the calendar; doe and yoe are the day and the year of it, doy the day of that
 * year. From March on, five months in a row have 153 days. */
struct date date_from_days(int64_t days)
{
    int64_t z = days + 719468; /* days from 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct date){(int)((int64_t)yoe + era * 400) + (month <= 2), month, (int)(doy - (153 * mp + 2) / 5 + 1)};
}

char *date_put_digits(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

static char *put_two(char *p, int v)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

    memcpy(p, pairs + 2 * v, 2);
    return p + 2;
}

char *date_put_day(char *p, struct date d)
{
    int width = 4;

    for (int over = d.year / 10000; over > 0; over /= 10)
        width++;
    p = date_put_digits(p, d.year, width);
    *p++ = '-';
    p = put_two(p, d.month);
    *p++ = '-';
    return put_two(p, d.day);
}

char *date_put_time(char *p, int second_of_day)
{
    p = put_two(p, second_of_day / 3600);
    *p++ = ':';
    p = put_two(p, second_of_day / 60 % 60);
    *p++ = ':';
    return put_two(p, second_of_day % 60);
}
