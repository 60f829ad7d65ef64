#include "http/head_scan.h"

/* CHAR_TOKEN: RFC 9110 5.6.2. CHAR_TARGET: what may stand in a request target beside "?" and "%", which the scanner looks at
 * itself. That is RFC 3986's set and [ ] ^ ` { | }, which browsers send raw in a query; not " # < > \, which servers and
 * proxies are known to read in different ways. CHAR_HOST: unreserved, RFC 3986 2.3. */
const uint8_t head_char_classes[256] = {
    ['!'] = CHAR_TOKEN | CHAR_TARGET,
    ['#'] = CHAR_TOKEN,
    ['$'] = CHAR_TOKEN | CHAR_TARGET,
    ['%'] = CHAR_TOKEN,
    ['&' ... '\''] = CHAR_TOKEN | CHAR_TARGET,
    ['(' ... ')'] = CHAR_TARGET,
    ['*' ... '+'] = CHAR_TOKEN | CHAR_TARGET,
    [','] = CHAR_TARGET,
    ['-' ... '.'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HOST,
    ['/'] = CHAR_TARGET,
    ['0' ... '9'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HEX | CHAR_HOST,
    [':' ... ';'] = CHAR_TARGET,
    ['='] = CHAR_TARGET,
    ['@'] = CHAR_TARGET,
    ['A' ... 'F'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HEX | CHAR_HOST,
    ['G' ... 'Z'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HOST,
    ['['] = CHAR_TARGET,
    [']'] = CHAR_TARGET,
    ['^'] = CHAR_TOKEN | CHAR_TARGET,
    ['_'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HOST,
    ['`'] = CHAR_TOKEN | CHAR_TARGET,
    ['a' ... 'f'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HEX | CHAR_HOST,
    ['g' ... 'z'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HOST,
    ['{'] = CHAR_TARGET,
    ['|'] = CHAR_TOKEN | CHAR_TARGET,
    ['}'] = CHAR_TARGET,
    ['~'] = CHAR_TOKEN | CHAR_TARGET | CHAR_HOST,
};

/* Three bytes at p: "%", two hex digits, and not NUL, which ends strings in half the world. */
static bool is_escape(const char *p)
{
    return is(p[1], CHAR_HEX) && is(p[2], CHAR_HEX) && !(p[1] == '0' && p[2] == '0');
}

static bool is_port(const char *p, const char *end)
{
    unsigned port = 0;
    if (end - p > 5)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned)(*p - '0');
    }
    return port <= 65535;
}

/* uri-host [ ":" port ] of RFC 9110 7.2, without user information. A registered name may hold sub-delims by RFC 3986,
 * no host has them, and "a,b" is what a proxy makes of two Host lines. */
bool head_is_authority(const char *p, const char *end)
{
    const char *from = p;
    if (p < end && *p == '[') {
        for (p++; p < end && (is(*p, CHAR_HEX) || *p == ':' || *p == '.');)
            p++;
        if (p == end || *p != ']' || p - from < 3)
            return false;
        p++;
    } else {
        for (;;) {
            while (p < end && is(*p, CHAR_HOST))
                p++;
            if (end - p < 3 || *p != '%' || !is_escape(p))
                break;
            p += 3;
        }
        if (p == from)
            return false;
    }
    return p == end || (*p == ':' && is_port(p + 1, end));
}

/* RFC 9112 3.2.2. An empty path means "/": the span then borrows the second slash of "://". */
static enum head_status split_absolute(struct scan *s, const char *from, const char *query, const char *end)
{
    size_t scheme = 0;
    if (end - from > 7 && strncasecmp(from, "http://", 7) == 0)
        scheme = 7;
    else if (end - from > 8 && strncasecmp(from, "https://", 8) == 0)
        scheme = 8;
    if (scheme == 0)
        return bad(s, "the request target is malformed");
    const char *host = from + scheme, *path = host, *path_end = query != NULL ? query : end;
    while (path < path_end && *path != '/')
        path++;
    if (!head_is_authority(host, path))
        return bad(s, "the host of the request target is malformed");
    s->authority = span_of(s, host, path);
    s->h->path = path == path_end ? span_of(s, host - 1, host) : span_of(s, path, path_end);
    return HEAD_OK;
}

static enum head_status split_target(struct scan *s, const char *from, const char *query, const char *end)
{
    s->h->target = span_of(s, from, end);
    s->h->query = query != NULL ? span_of(s, query + 1, end) : span_of(s, end, end);
    if (*from == '/') {
        s->h->path = span_of(s, from, query != NULL ? query : end);
        return HEAD_OK;
    }
    if (end - from == 1 && *from == '*') {
        s->h->path = s->h->target;
        return s->h->method == METHOD_OPTIONS ? HEAD_OK : bad(s, "the target * is for OPTIONS only");
    }
    return split_absolute(s, from, query, end);
}

static const char *target_fault(char c)
{
    switch (c) {
    case '#':
        return "a fragment in the request target";
    case '%':
        return "a malformed percent escape in the request target";
    case '\r':
    case '\n':
        return "the request line has no version";
    default:
        return "a byte in the request target that must be escaped";
    }
}

enum head_status scan_target(struct scan *s)
{
    const char *from = s->at, *p = from, *query = NULL;
    for (; p < s->end; p++) {
        if (is(*p, CHAR_TARGET))
            continue;
        if (*p == '?') {
            if (query == NULL)
                query = p;
        } else if (*p != '%') {
            break;
        } else if (s->end - p < 3) {
            p = s->end;
            break;
        } else if (is_escape(p)) {
            p += 2;
        } else {
            break;
        }
    }
    s->at = p;
    if ((size_t)(p - from) > s->limits->target_bytes_max || (p == s->end && s->cut))
        return refuse(s, HEAD_TARGET_TOO_LONG, "the request target is too long");
    if (p == s->end)
        return ran_out(s);
    if (*p != ' ')
        return bad(s, target_fault(*p));
    if (p == from)
        return bad(s, "the request line is malformed");
    s->at = p + 1;
    return split_target(s, from, query, p);
}
