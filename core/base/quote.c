#include "base/quote.h"
#include "base/scan.h"
#include "base/utf8.h"

enum { ESCAPE_MAX = 6 };

/* Returns the byte behind what it wrote. */
static char *put_escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    to[0] = '\\';
    if (c >= 0x20 || shorts[c]) {
        to[1] = c >= 0x20 ? (char)c : shorts[c];
        return to + 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return to + ESCAPE_MAX;
}

/* The characters that stop a plain run: escaped, copied when they are UTF-8, replaced by U+FFFD where they are not.
 * Returns what they were followed by. */
static const char *put_others(struct buf *out, const char *p, const char *end)
{
    while (p < end && !scan_is_plain((unsigned char)*p)) {
        char *to = buf_reserve(out, ESCAPE_MAX);
        if ((unsigned char)*p < 0x80) {
            out->n = (size_t)(put_escape(to, (unsigned char)*p++) - out->p);
            continue;
        }
        size_t n = utf8_sequence(p, end);
        if (n == 0)
            buf_lit(out, "\xef\xbf\xbd");
        else
            buf_append(out, p, n);
        p += n > 0 ? n : 1;
    }
    return p;
}

void quote_json(struct buf *out, struct slice s)
{
    const char *p = s.p, *end = s.p + s.n;
    char *to = buf_reserve(out, s.n + 2);

    *to++ = '"';
    for (;;) {
        size_t n = scan_copy_plain(to, p, (size_t)(end - p));
        p += n;
        to += n;
        if (p == end)
            break;
        out->n = (size_t)(to - out->p);
        p = put_others(out, p, end);
        to = buf_reserve(out, (size_t)(end - p) + 1);
    }
    *to++ = '"';
    out->n = (size_t)(to - out->p);
}
