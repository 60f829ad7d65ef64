#include "auth/base64url.h"

#include <stdint.h>

/* One more than each digit's value, from ' ' to DEL; 0: no digit. */
static const unsigned char values[96] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  63, 0,  0,  53, 54, 55, 56, 57, 58, 59, 60,
    61, 62, 0,  0,  0,  0,  0,  0,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0,  0,  0,  0,  64, 0,  27, 28, 29, 30, 31, 32, 33,
    34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0,  0,  0,  0,  0,
};

static int value_of(char c)
{
    unsigned at = (unsigned char)c - 32u;
    return at < sizeof values ? values[at] - 1 : -1;
}

bool base64url_decode(struct slice in, struct arena *a, struct slice *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    if (in.n % 4 == 1)
        return false;
    char *p = arena_alloc(a, in.n / 4 * 3 + 3);
    for (size_t i = 0; i < in.n; i++) {
        int v = value_of(in.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            p[n++] = (char)(bits >> held & 0xff);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0)
        return false;
    p[n] = 0;
    *out = slice_of(p, n);
    return true;
}
