#include "base/utf8.h"
#include <assert.h>

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* RFC 3629 section 4: the ranges of the second byte keep out overlong forms (E0, F0), surrogates (ED) and what lies
 * past U+10FFFF (F4). */
size_t utf8_sequence(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t room = (size_t)(end - at);
    unsigned char c = p[0];

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return room >= 2 && is_tail(p[1]) ? 2 : 0;
    if (c < 0xf0) {
        if (room < 3 || !is_tail(p[1]) || !is_tail(p[2]))
            return 0;
        return (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ? 0 : 3;
    }
    if (room < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
        return 0;
    return (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

/* The ASCII bytes that eight bytes begin with. */
static size_t ascii_run(uint64_t v)
{
    uint64_t high = v & 0x8080808080808080u;
    if (high == 0)
        return 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(high) / 8;
#else
    return (size_t)__builtin_clzll(high) / 8;
#endif
}

size_t utf8_valid_prefix(struct slice s)
{
    const char *p = s.p, *end = s.p + s.n;

    while (p < end) {
        if (end - p >= 8) {
            size_t run = ascii_run(load8(p));
            p += run;
            if (run > 0)
                continue;
        }
        size_t n = utf8_sequence(p, end);
        if (n == 0)
            break;
        p += n;
    }
    return (size_t)(p - s.p);
}

bool utf8_is_valid(struct slice s)
{
    return utf8_valid_prefix(s) == s.n;
}

size_t utf8_length(struct slice s)
{
    size_t n = 0, i = 0;
    /* Tail bytes are 10xxxxxx: bit 7 set and bit 6 clear. */
    for (; i + 8 <= s.n; i += 8) {
        uint64_t v = load8(s.p + i);
        n += 8 - (size_t)__builtin_popcountll(v & ~(v << 1) & 0x8080808080808080u);
    }
    for (; i < s.n; i++)
        n += !is_tail((unsigned char)s.p[i]);
    return n;
}

size_t utf8_write(char out[static 4], uint32_t cp)
{
    assert(cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff));
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}
