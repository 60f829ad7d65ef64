#include "plan/multiple.h"
#include "base/number.h"
#include <math.h>
#include <stdlib.h>

struct decimal {     /* digits * 10^exponent */
    uint64_t digits; /* under 10^19; the last one is not 0 */
    int exponent;
};

static struct decimal normal(uint64_t digits, int exponent)
{
    for (; digits != 0 && digits % 10 == 0; digits /= 10)
        exponent++;
    return (struct decimal){digits, exponent};
}

static struct decimal decimal_of(double v)
{
    char text[NUMBER_TEXT_MAX + 1];
    uint64_t digits = 0;
    int exponent = 0;
    bool in_fraction = false;

    text[number_write_double(text, fabs(v))] = '\0';
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == 'e') {
            exponent += atoi(p + 1);
            break;
        }
        if (*p == '.') {
            in_fraction = true;
            continue;
        }
        if (digits >= UINT64_MAX / 10 - 1) { /* zeros that only say how large it is */
            exponent += !in_fraction;
            continue;
        }
        digits = digits * 10 + (uint64_t)(*p - '0');
        exponent -= in_fraction;
    }
    return normal(digits, exponent);
}

__extension__ typedef unsigned __int128 wide;

/* v.digits * 10^up mod of, by squaring: `up` is at most some 700. */
static bool divides_shifted(uint64_t v, unsigned up, uint64_t of)
{
    wide rest = v % of, power = 10 % of;

    for (; up > 0; up /= 2) {
        if (up & 1)
            rest = rest * power % of;
        power = power * power % of;
    }
    return rest == 0;
}

static bool is_multiple(struct decimal v, struct decimal of)
{
    int up = v.exponent - of.exponent;

    if (v.digits == 0)
        return true;
    if (up >= 0)
        return divides_shifted(v.digits, (unsigned)up, of.digits);
    return false; /* v's last digit is not 0, so it stands to the right of where a multiple's last digit may stand */
}

bool multiple_of_int(int64_t v, double of)
{
    return is_multiple(normal(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0), decimal_of(of));
}

bool multiple_of_double(double v, double of)
{
    return is_multiple(decimal_of(v), decimal_of(of));
}
