#include "base/quote.h"
#include "base/scan.h"
#include "base/utf8.h"

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
        const char *plain_end = scan_plain(p, end);
        buf_append(out, p, (size_t)(plain_end - p));
        p = plain_end;
        if (p < end)
            p = put_special(out, p, end);
    }
    buf_char(out, '"');
}
