#ifndef SPEC_PROPERTY_RANDOM_H
#define SPEC_PROPERTY_RANDOM_H
/* Random JSON for property_test.c, the same in each run. */
#include "spec/core/plan/plan_fixture.h"
#include <inttypes.h>

static uint64_t state;

static uint64_t any64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

/* From 0 to n - 1. */
static unsigned below(unsigned n)
{
    return (unsigned)(any64() >> 33) % n;
}

static const char *one_of(const char *const *list, unsigned n)
{
    return list[below(n)];
}
#define ONE_OF(...) one_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A character that needs no escape, one that may have one, or one that must. */
static void put_character(struct buf *out)
{
    switch (below(6)) {
    case 0:
        buf_str(out, ONE_OF("\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xe2\x80\xa8", "\x7f"));
        return;
    case 1:
        buf_str(out, ONE_OF("\\n", "\\\"", "\\\\", "\\/", "\\u0001", "\\u00e9", "\\ud83d\\ude00", "\\b"));
        return;
    default:
        buf_char(out, "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _-{}[]:,"[below(51)]);
    }
}

static void put_string(struct buf *out, unsigned characters)
{
    buf_char(out, '"');
    while (characters-- > 0)
        put_character(out);
    buf_char(out, '"');
}

static void put_hex(struct buf *out, unsigned digits)
{
    while (digits-- > 0)
        buf_char(out, "0123456789abcdefABCDEF"[below(22)]);
}

static void put_word(struct buf *out, unsigned max)
{
    for (unsigned n = 1 + below(max); n > 0; n--)
        buf_char(out, "abcdefghijklmnopqrstuvwxyz0123456789"[below(26)]);
}

static void put_date(struct buf *out)
{
    buf_printf(out, "%04u-%02u-%02u", 1 + below(9999), 1 + below(12), 1 + below(28));
}

static void put_json(struct buf *out, unsigned depth)
{
    unsigned n = below(4);
    switch (below(depth > 0 ? 7 : 5)) {
    case 0:
        buf_str(out, ONE_OF("null", "true", "false"));
        return;
    case 1:
        buf_printf(out, "%" PRId64, (int64_t)any64());
        return;
    case 2:
        buf_printf(out, "%.17g", (double)any64() / 1e9 + 0.5);
        buf_lit(out, "e-3");
        return;
    case 3:
    case 4:
        put_string(out, below(12));
        return;
    case 5:
        buf_char(out, '[');
        for (unsigned i = 0; i < n; i++) {
            buf_str(out, i > 0 ? "," : "");
            put_json(out, depth - 1);
        }
        buf_char(out, ']');
        return;
    default:
        buf_char(out, '{');
        for (unsigned i = 0; i < n; i++) {
            buf_printf(out, "%s\"k%u\":", i > 0 ? "," : "", i);
            put_json(out, depth - 1);
        }
        buf_char(out, '}');
    }
}
#endif
