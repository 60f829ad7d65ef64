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

/* s is UTF-8. */
static void quote_valid(struct buf *out, struct slice s)
{
    const char *p = s.p, *end = s.p + s.n;
    unsigned high = 0;

    buf_char(out, '"');
    while (p < end) {
        const char *stop = scan_string(p, end, &high);
        buf_append(out, p, (size_t)(stop - p));
        p = stop;
        if (p < end)
            put_escape(out, (unsigned char)*p++);
    }
    buf_char(out, '"');
}

static void quote_repaired(struct buf *out, struct slice s)
{
    struct buf repaired = BUF_INIT;

    while (s.n > 0) {
        size_t n = utf8_valid_prefix(s), bad = n < s.n;
        buf_append(&repaired, s.p, n);
        if (bad)
            buf_lit(&repaired, "\xef\xbf\xbd");
        s = slice_of(s.p + n + bad, s.n - n - bad);
    }
    quote_valid(out, buf_view(&repaired));
    buf_free(&repaired);
}

void quote_json(struct buf *out, struct slice s)
{
    unsigned high = 0;
    char *to = buf_reserve(out, s.n + 2);
    bool plain = scan_string(s.p, s.p + s.n, &high) == s.p + s.n;

    if ((high != 0 || !plain) && !utf8_is_valid(s)) {
        quote_repaired(out, s);
    } else if (!plain) {
        quote_valid(out, s);
    } else {
        to[0] = '"';
        if (s.n > 0)
            memcpy(to + 1, s.p, s.n);
        to[s.n + 1] = '"';
        out->n += s.n + 2;
    }
}
