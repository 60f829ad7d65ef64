#include "base/number.h"

/* "00" to "99". */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                            "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static size_t count_digits(uint64_t v)
{
    size_t n = 1;
    for (;; v /= 10000, n += 4) {
        if (v < 10)
            return n;
        if (v < 100)
            return n + 1;
        if (v < 1000)
            return n + 2;
        if (v < 10000)
            return n + 3;
    }
}

size_t number_write_u64(char out[static NUMBER_TEXT_MAX], uint64_t v)
{
    size_t n = count_digits(v), at = n;

    while (v >= 100) {
        at -= 2;
        memcpy(out + at, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (at == 2)
        memcpy(out, pairs + 2 * v, 2);
    else
        out[0] = (char)('0' + v);
    return n;
}

size_t number_write_i64(char out[static NUMBER_TEXT_MAX], int64_t v)
{
    if (v >= 0)
        return number_write_u64(out, (uint64_t)v);
    char digits[NUMBER_TEXT_MAX];
    size_t n = number_write_u64(digits, 0 - (uint64_t)v);
    out[0] = '-';
    memcpy(out + 1, digits, n);
    return n + 1;
}

enum number_status number_read_i64(struct slice s, int64_t *out)
{
    const char *p = s.p, *end = s.p + s.n;
    bool minus = p < end && *p == '-';
    uint64_t v = 0, most = (uint64_t)INT64_MAX + minus;
    bool fits = true;

    p += minus;
    if (p == end)
        return NUMBER_BAD;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9)
            return NUMBER_BAD; /* also after what overflowed: "99999999999999999999x" is no number at all */
        if (v > (most - digit) / 10)
            fits = false;
        else
            v = v * 10 + digit;
    }
    if (!fits)
        return NUMBER_RANGE;
    *out = (int64_t)(minus ? 0 - v : v);
    return NUMBER_OK;
}
