#include "base/quote.h"
#include "base/utf8.h"

#define EACH(byte) (0x0101010101010101u * (byte))

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* High bits set at bytes that are zero; never set when there is none (some above the first may be wrong). */
static uint64_t zero_bytes(uint64_t v)
{
    return (v - EACH(0x01)) & ~v & EACH(0x80);
}

/* Nonzero when one of eight bytes is a control, a quote, a backslash or not ASCII. */
static uint64_t is_special8(uint64_t v)
{
    uint64_t below_space = (v - EACH(0x20)) & ~v;
    return ((below_space | v) & EACH(0x80)) | zero_bytes(v ^ EACH('"')) | zero_bytes(v ^ EACH('\\'));
}

static bool is_special(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0x80;
}

/* How many bytes at p need nothing done. */
static size_t plain_run(const char *p, const char *end)
{
    const char *start = p;
    while (end - p >= 8) {
        if (is_special8(load8(p)))
            break;
        p += 8;
    }
    while (p < end && !is_special((unsigned char)*p))
        p++;
    return (size_t)(p - start);
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    char *p = buf_reserve(out, 6);
    p[0] = '\\';
    if (c >= 0x20 || shorts[c]) {
        p[1] = c >= 0x20 ? (char)c : shorts[c];
        out->n += 2;
        return;
    }
    memcpy(p + 1, "u00", 3);
    p[4] = hex[c >> 4];
    p[5] = hex[c & 15];
    out->n += 6;
}

static const char *put_special(struct buf *out, const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80) {
        put_escape(out, c);
        return p + 1;
    }
    const char *start = p;
    for (size_t n; p < end && (unsigned char)*p >= 0x80; p += n)
        if ((n = utf8_sequence(p, end)) == 0)
            break;
    buf_append(out, start, (size_t)(p - start));
    if (p > start)
        return p;
    buf_lit(out, "\xef\xbf\xbd");
    return p + 1;
}

void quote_json(struct buf *out, struct slice s)
{
    const char *p = s.p, *end = s.p + s.n;

    char *at = buf_reserve(out, s.n + 2);
    *at = '"';
    out->n++;
    while (p < end) {
        size_t run = plain_run(p, end);
        buf_append(out, p, run);
        p += run;
        if (p < end)
            p = put_special(out, p, end);
    }
    buf_char(out, '"');
}
