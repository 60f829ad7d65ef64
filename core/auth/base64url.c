#include "auth/base64url.h"

#include <stdint.h>

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
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
