/* Doubles to text and back. Both ways try exact integer arithmetic first, which covers what JSON bodies hold, and leave
 * the rare rest (huge and tiny exponents, more than 19 digits) to the C library, fed with texts that have no decimal
 * point, since the locale could change it. */
#include "base/number.h"
#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

/* Each is an exact double: 10^22 = 2^22 * 5^22 and 5^22 < 2^53. */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t pow10_u64[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

static const double TWO_53 = 9007199254740992.0;

/* value = digits * 10^exp10 */
struct decimal {
    uint64_t digits;
    int exp10;
};

/* ---- text to double ---- */

struct double_text {
    struct decimal d;     /* the first 19 significant digits, enough for any exact case */
    bool minus, cut;      /* cut: more digits than d holds, and not all of them zeros */
    const char *mantissa; /* for the C library: where the digits begin */
    const char *mantissa_end;
    int exponent; /* the written one, saturated */
};

enum { EXPONENT_MAX = 99999999 /* more than any body has digits */, DIGITS_KEPT = 19 };

static const char *scan_exponent(const char *p, const char *end, int *out)
{
    bool minus = false;
    int e = 0;

    if (p < end && (*p == '-' || *p == '+'))
        minus = *p++ == '-';
    if (p == end || *p < '0' || *p > '9')
        return NULL;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        if (e < EXPONENT_MAX)
            e = e * 10 + (*p - '0');
    *out = minus ? -e : e;
    return p;
}

static enum number_status scan_double(struct slice s, struct double_text *t)
{
    const char *p = s.p, *end = s.p + s.n;
    int kept = 0, dropped = 0, fraction = 0;
    bool seen_point = false;

    *t = (struct double_text){0};
    if (p < end && *p == '-') {
        t->minus = true;
        p++;
    }
    t->mantissa = p;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (*p == '.' && !seen_point && p > t->mantissa) {
            seen_point = true;
            continue;
        }
        if (digit > 9)
            break;
        if (kept < DIGITS_KEPT) {
            t->d.digits = t->d.digits * 10 + digit;
            kept += t->d.digits != 0;
            fraction += seen_point;
        } else {
            t->cut |= digit != 0;
            dropped += !seen_point && dropped < EXPONENT_MAX;
        }
    }
    if (p == t->mantissa || p[-1] == '.')
        return NUMBER_BAD;
    t->mantissa_end = p;
    if (p < end && (*p == 'e' || *p == 'E'))
        p = scan_exponent(p + 1, end, &t->exponent);
    if (p != end)
        return NUMBER_BAD;
    t->d.exp10 = t->exponent - fraction + dropped;
    return NUMBER_OK;
}

/* digits / 10^k for k <= 19, correctly rounded: a quotient of 63 or more bits and whether anything is left over. */
static double divide_exact(uint64_t digits, int k)
{
    int shift = __builtin_clzll(digits);
    u128 num = (u128)(digits << shift) << 63, den = pow10_u64[k];
    u128 q = num / den;
    uint64_t top = (uint64_t)(q >> 64);
    int bits = top ? 128 - __builtin_clzll(top) : 64 - __builtin_clzll((uint64_t)q);
    int drop = bits - 54; /* leaves 53 bits and a half bit */
    u128 kept = q >> drop;
    bool sticky = (kept << drop) != q || q * den != num;
    uint64_t m = (uint64_t)kept;

    /* Half to even: the last of the 54 bits is the half. */
    m = (m >> 1) + ((m & 1) && (sticky || (m & 2)));
    return ldexp((double)m, drop + 1 - 63 - shift);
}

static bool read_fast(const struct double_text *t, double *out)
{
    uint64_t digits = t->d.digits;
    int e = t->d.exp10;

    if (digits == 0) {
        *out = 0;
        return true;
    }
    if (t->cut)
        return false;
    if (digits <= (uint64_t)TWO_53 && e >= -22 && e <= 22) {
        *out = e < 0 ? (double)digits / pow10_exact[-e] : (double)digits * pow10_exact[e];
        return true;
    }
    if (e <= 0 && e >= -19) {
        *out = divide_exact(digits, -e);
        return true;
    }
    return false;
}

/* 768 significant digits decide every double; past that only "is anything left" matters. */
static double read_slow(const struct double_text *t)
{
    enum { DIGITS_MAX = 780 };
    char text[DIGITS_MAX + 32];
    size_t n = 0;
    bool seen_point = false, left_over = false;
    long exponent = t->exponent;

    for (const char *p = t->mantissa; p < t->mantissa_end; p++) {
        if (*p == '.') {
            seen_point = true;
            continue;
        }
        bool kept = n < DIGITS_MAX && (n > 0 || *p != '0');
        if (kept)
            text[n++] = *p;
        else
            left_over |= n > 0 && *p != '0';
        if (seen_point && (kept || n == 0))
            exponent--;
        else if (!seen_point && !kept && n > 0)
            exponent++;
    }
    if (left_over && text[n - 1] == '0')
        text[n - 1] = '1';
    snprintf(text + n, sizeof text - n, "e%ld", exponent);
    return strtod(text, NULL);
}

enum number_status number_read_double(struct slice s, double *out)
{
    struct double_text t;
    double v;

    if (scan_double(s, &t) != NUMBER_OK)
        return NUMBER_BAD;
    if (!read_fast(&t, &v))
        v = read_slow(&t);
    if (isinf(v))
        return NUMBER_RANGE;
    *out = t.minus ? -v : v;
    return NUMBER_OK;
}

/* ---- double to text ---- */

/* How many digits stand before the point: 3 for 123.4, 0 for 0.5, -1 for 0.05. Only for 1e-5 <= v < 1e16. */
static int digits_before_point(double v)
{
    static const double tenths[] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
    int n = 0;

    if (v < 1) {
        while (n < 4 && v < tenths[n])
            n++;
        return -n;
    }
    while (n < 16 && v >= pow10_exact[n])
        n++;
    return n;
}

/* Up to 15 digits: scaled to an integer, then divided back. Both powers are exact and the division is rounded correctly,
 * so if it gives v, the digits do; and no two decimals of 15 digits share a double, so there are none shorter. */
static bool decimal_short(double v, int before, struct decimal *d)
{
    int k = 15 - before; /* 0..19 */
    double scaled = v * pow10_exact[k];
    uint64_t m = (uint64_t)(scaled + 0.5);

    if ((double)m / pow10_exact[k] != v)
        return false;
    *d = (struct decimal){m, -k};
    return true;
}

/* v = m / 2^s; the question is whether n / 10^k lies within half a step of it. */
static bool is_within(u128 scaled, u128 n_shifted, u128 step, bool even)
{
    u128 off = n_shifted < scaled ? scaled - n_shifted : n_shifted - scaled;
    return off * 2 < step || (even && off * 2 == step);
}

/* scaled / 2^s, half to even, as every other printer does it. */
static uint64_t shift_rounded(u128 scaled, int s)
{
    u128 sum = scaled + ((u128)1 << (s - 1)), n = sum >> s;
    return (uint64_t)n - ((n & 1) && n << s == sum);
}

/* 16 digits when they suffice, else 17, in 128 bits: v < 2^53 has s <= 69, so m * 10^21 = v * 10^21 * 2^s < 10^17 * 2^69.
 * Below a power of two the steps are half as wide, but 2^-16 and up have 12 digits or less and never come here. */
static struct decimal decimal_long(double v, int before)
{
    int exp2;
    uint64_t m = (uint64_t)(frexp(v, &exp2) * TWO_53);
    int s = 53 - exp2, k = 16 - before;
    u128 step = k > 19 ? (u128)pow10_u64[19] * pow10_u64[k - 19] : pow10_u64[k];
    u128 scaled = step * m;
    uint64_t n = shift_rounded(scaled, s);

    if (is_within(scaled, (u128)n << s, step, m % 2 == 0))
        return (struct decimal){n, -k};
    return (struct decimal){shift_rounded(scaled * 10, s), -k - 1};
}

static bool reads_back(struct decimal d, double v)
{
    char text[NUMBER_TEXT_MAX + 8];
    double back;
    int n = snprintf(text, sizeof text, "%llue%d", (unsigned long long)d.digits, d.exp10);
    return number_read_double((struct slice){text, (size_t)n}, &back) == NUMBER_OK && back == v;
}

static struct decimal decimal_of_digits(double v, int digits)
{
    char text[NUMBER_TEXT_MAX + 8];
    struct decimal d = {0};
    const char *p = text;

    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            d.digits = d.digits * 10 + (uint64_t)(*p - '0');
    d.exp10 = atoi(p + 1) - (digits - 1);
    return d;
}

/* Every exponent, by trying. A subnormal has few bits, so that fewer than 15 digits can be enough. Next to a power of two
 * the nearest decimal can lie below the interval and its neighbour inside. */
static struct decimal decimal_search(double v)
{
    for (int digits = v < DBL_MIN ? 1 : 15; digits < 17; digits++) {
        struct decimal d = decimal_of_digits(v, digits);
        if (reads_back(d, v))
            return d;
        d.digits++;
        if (reads_back(d, v))
            return d;
    }
    return decimal_of_digits(v, 17);
}

static size_t put_zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return (size_t)n;
}

static size_t put_exponent(char *out, int e)
{
    char digits[NUMBER_TEXT_MAX];
    out[0] = 'e';
    out[1] = e < 0 ? '-' : '+';
    size_t n = number_write_u64(digits, (uint64_t)abs(e));
    memcpy(out + 2, digits, n);
    return n + 2;
}

/* Positional from 0.0001 to below 1e16, like Python; the longest is 0.0001 with 17 digits, 23 bytes. */
static size_t put_decimal(char *out, struct decimal d)
{
    char digits[NUMBER_TEXT_MAX];
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exp10++;
    }
    int n = (int)number_write_u64(digits, d.digits), point = n + d.exp10;
    char *p = out;

    if (point > 0 && point <= 16) {
        int whole = n < point ? n : point;
        memcpy(p, digits, (size_t)whole);
        p += whole;
        p += put_zeros(p, point - whole);
        *p++ = '.';
        if (n == whole)
            *p++ = '0';
        memcpy(p, digits + whole, (size_t)(n - whole));
        return (size_t)(p + (n - whole) - out);
    }
    if (point <= 0 && point > -4) {
        memcpy(p, "0.", 2);
        p += 2;
        p += put_zeros(p, -point);
        memcpy(p, digits, (size_t)n);
        return (size_t)(p + n - out);
    }
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)(n - 1));
        p += n - 1;
    }
    return (size_t)(p - out) + put_exponent(p, point - 1);
}

size_t number_write_double(char out[static NUMBER_TEXT_MAX], double v)
{
    char *p = out;
    struct decimal d;

    assert(isfinite(v));
    if (signbit(v)) {
        *p++ = '-';
        v = -v;
    }
    if (v < TWO_53 && v == (double)(uint64_t)v) {
        char digits[NUMBER_TEXT_MAX];
        size_t n = number_write_u64(digits, (uint64_t)v);
        memcpy(p, digits, n);
        memcpy(p + n, ".0", 2);
        return (size_t)(p - out) + n + 2;
    }
    if (v >= 1e-5 && v < TWO_53) {
        int before = digits_before_point(v);
        if (before > 15 || !decimal_short(v, before, &d))
            d = decimal_long(v, before);
    } else {
        d = decimal_search(v);
    }
    return (size_t)(p - out) + put_decimal(p, d);
}
