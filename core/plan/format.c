#include "plan/format.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The 36 classes are added up: 64 for each hyphen, 1 for each capital, too much for anything else. */
enum { UUID_HYPHEN = 64, UUID_OTHER = 4096 };

static unsigned uuid_class(unsigned char c)
{
    static const unsigned short classes[256] = {
        [0 ... ','] = UUID_OTHER,   ['-'] = UUID_HYPHEN, ['.'] = UUID_OTHER,         ['/'] = UUID_OTHER,
        [':' ... '@'] = UUID_OTHER, ['A' ... 'F'] = 1,   ['G' ... '`'] = UUID_OTHER, ['g' ... 255] = UUID_OTHER,
    };
    return classes[c];
}

bool format_is_uuid(struct slice s, bool *has_capitals)
{
    unsigned sum = 0;

    if (s.n != 36 || s.p[8] != '-' || s.p[13] != '-' || s.p[18] != '-' || s.p[23] != '-')
        return false;
    for (unsigned i = 0; i < 36; i++)
        sum += uuid_class((unsigned char)s.p[i]);
    *has_capitals = sum % UUID_HYPHEN > 0;
    return sum / UUID_HYPHEN == 4;
}

/* Two digits, or 100 and more. */
static unsigned two(const char *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0') : 100;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool format_is_date(struct slice s)
{
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
        return false;
    unsigned century = two(s.p), rest = two(s.p + 2), month = two(s.p + 5), day = two(s.p + 8);
    if (century > 99 || rest > 99 || century + rest == 0 || month < 1 || month > 12)
        return false;
    return day >= 1 && day <= days_in(century * 100 + rest, month);
}

/* "Z" or "+hh:mm": minutes to the east. */
static bool read_offset(const char *p, const char *end, int *east)
{
    *east = 0;
    if (end - p == 1)
        return *p == 'Z' || *p == 'z';
    if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return false;
    unsigned hours = two(p + 1), minutes = two(p + 4);
    *east = (int)(hours * 60 + minutes) * (*p == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

/* RFC 3339 has no limit. No clock is finer than that, and Postgres reads no time of more than 128 bytes. */
enum { SECOND_DIGITS_MAX = 18 };

/* RFC 3339 section 5.6. Leap seconds are at the end of a day of UTC, wherever the clock on the wall is then. */
bool format_is_datetime(struct slice s)
{
    const int day = 24 * 60;
    int east;

    if (s.n < 20 || !format_is_date(slice_of(s.p, 10)) || (s.p[10] | 0x20) != 't' || s.p[13] != ':' || s.p[16] != ':')
        return false;
    const char *p = s.p + 19, *end = s.p + s.n;
    unsigned hour = two(s.p + 11), minute = two(s.p + 14), second = two(s.p + 17);
    if (*p == '.') {
        const char *digits = ++p;
        while (p < end && is_digit(*p))
            p++;
        if (p == digits || p - digits > SECOND_DIGITS_MAX)
            return false;
    }
    if (hour > 23 || minute > 59 || second > 60 || !read_offset(p, end, &east))
        return false;
    return second < 60 || ((int)(hour * 60 + minute) - east + 2 * day) % day == day - 1;
}

bool format_read_decimal(struct slice s, size_t *whole, size_t *fraction)
{
    const char *p = s.p, *end = s.p + s.n;

    p += p < end && *p == '-';
    const char *digits = p;
    while (p < end && is_digit(*p))
        p++;
    *whole = (size_t)(p - digits);
    *fraction = 0;
    if (*whole == 0 || (*digits == '0' && *whole > 1))
        return false;
    *whole -= *digits == '0';
    if (p == end)
        return true;
    if (*p++ != '.')
        return false;
    digits = p;
    while (p < end && is_digit(*p))
        p++;
    *fraction = (size_t)(p - digits);
    return p == end && *fraction > 0;
}
