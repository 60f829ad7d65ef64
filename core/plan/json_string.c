#include "plan/json_string.h"
#include "base/scan.h"
#include "base/utf8.h"

struct cursor {
    const char *p, *end;
    bool nul; /* \u0000 is fine */
    const char *message;
};

static enum json_status refuse(struct cursor *c, const char *at, enum json_status status, const char *message)
{
    c->p = at;
    c->message = message;
    return status;
}

/* Goes to the closing quote. Escapes are only stepped over: \" and \\ are the two that matter for where it ends. */
static enum json_status find_end(struct cursor *c, bool *has_escapes)
{
    const char *start = c->p;
    unsigned high = 0;

    for (;;) {
        c->p = scan_string(c->p, c->end, &high);
        if (c->p == c->end)
            return refuse(c, c->end, JSON_SYNTAX, "unexpected end in a string");
        if (*c->p == '"')
            break;
        if (*c->p == '\0')
            return refuse(c, c->p, JSON_NUL, "a string may not hold NUL");
        if (*c->p != '\\')
            return refuse(c, c->p, JSON_SYNTAX, "a control character in a string must be escaped");
        *has_escapes = true;
        if (c->end - c->p < 2)
            return refuse(c, c->end, JSON_SYNTAX, "unexpected end in a string");
        c->p += 2;
    }
    struct slice raw = slice_of(start, (size_t)(c->p - start));
    size_t valid = high != 0 ? utf8_valid_prefix(raw) : raw.n;
    return valid == raw.n ? JSON_OK : refuse(c, start + valid, JSON_UTF8, "not valid UTF-8");
}

static int hex_value(unsigned char b)
{
    if (b >= '0' && b <= '9')
        return b - '0';
    b |= 0x20;
    return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* Four hex digits at p, or -1. */
static int32_t read_hex4(const char *p, const char *end)
{
    int32_t v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value((unsigned char)p[i]);
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* c->p stands on the backslash of \uXXXX. RFC 8259 section 7: what is not in the basic plane comes as two surrogates. */
static enum json_status unescape_unicode(struct cursor *c, char **out)
{
    const char *start = c->p;
    int32_t cp = read_hex4(c->p + 2, c->end);

    if (cp < 0)
        return refuse(c, start, JSON_SYNTAX, "\\u needs four hex digits");
    if (cp == 0 && !c->nul)
        return refuse(c, start, JSON_NUL, "a string may not hold NUL");
    c->p += 6;
    if (cp >= 0xd800 && cp <= 0xdfff) {
        int32_t low = c->end - c->p >= 6 && c->p[0] == '\\' && c->p[1] == 'u' ? read_hex4(c->p + 2, c->end) : -1;
        if (cp > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return refuse(c, start, JSON_UTF8, "half of a surrogate pair");
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        c->p += 6;
    }
    *out += utf8_write(*out, (uint32_t)cp);
    return JSON_OK;
}

static enum json_status unescape_one(struct cursor *c, char **out)
{
    static const char plain[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    unsigned char kind = (unsigned char)c->p[1];

    if (kind == 'u')
        return unescape_unicode(c, out);
    if (plain[kind] == 0)
        return refuse(c, c->p, JSON_SYNTAX, "no such escape");
    *(*out)++ = plain[kind];
    c->p += 2;
    return JSON_OK;
}

/* From p to the closing quote, which find_end has found. No escape is shorter than what it stands for, so the room of the
 * written form is enough. */
static enum json_status unescape(struct cursor *c, const char *close, struct arena *arena, struct slice *out)
{
    char *start = arena_alloc(arena, (size_t)(close - c->p)), *to = start;

    c->end = close;
    while (c->p < close) {
        const char *backslash = memchr(c->p, '\\', (size_t)(close - c->p));
        size_t n = (size_t)((backslash ? backslash : close) - c->p);
        memcpy(to, c->p, n);
        to += n;
        c->p += n;
        if (backslash == NULL)
            break;
        enum json_status rc = unescape_one(c, &to);
        if (rc != JSON_OK)
            return rc;
    }
    *out = slice_of(start, (size_t)(to - start));
    return JSON_OK;
}

enum json_status json_string_read(const char **at, const char *end, bool nul, struct arena *arena, struct slice *out,
                                  const char **message)
{
    struct cursor c = {*at, end, nul, NULL};
    bool has_escapes = false;

    enum json_status rc = find_end(&c, &has_escapes);
    const char *close = c.p;
    if (rc == JSON_OK && has_escapes) {
        c.p = *at;
        rc = unescape(&c, close, arena, out);
    } else {
        *out = slice_of(*at, (size_t)(close - *at));
    }
    *message = c.message;
    *at = rc == JSON_OK ? close + 1 : c.p;
    return rc;
}
