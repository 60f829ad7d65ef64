/* Formats with a host in them: email addresses and URLs. */
#include "plan/format.h"
#include <arpa/inet.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_among(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* One label of a DNS name begins at p: letters, digits, hyphens within, at most 63. Returns its end, NULL if it is none. */
static const char *skip_label(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && (is_alnum(*p) || *p == '-'))
        p++;
    return p == start || p - start > 63 || *start == '-' || p[-1] == '-' ? NULL : p;
}

/* Labels with points between. *last is where the last one begins. */
static bool is_dns_name(const char *p, const char *end, const char **last)
{
    for (;;) {
        *last = p;
        p = skip_label(p, end);
        if (p == NULL)
            return false;
        if (p == end)
            return true;
        if (*p++ != '.')
            return false;
    }
}

bool format_is_email(struct slice s)
{
    const char *p = s.p, *end = s.p + s.n, *last;
    while (p < end && (is_alnum(*p) || is_among(*p, ".!#$%&'*+/=?^_`{|}~-")))
        p++;
    return p > s.p && p < end && *p == '@' && is_dns_name(p + 1, end, &last);
}

/* Over what is_among(set), letters, digits and %XX. */
static const char *skip(const char *p, const char *end, const char *set)
{
    while (p < end) {
        if (*p == '%' && end - p > 2 && is_hex(p[1]) && is_hex(p[2]))
            p += 3;
        else if (is_alnum(*p) || is_among(*p, set))
            p++;
        else
            break;
    }
    return p;
}

/* What stands behind the scheme, NULL when it is none of these. */
static const char *skip_scheme(struct slice s, const struct slice *schemes, uint32_t n)
{
    const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
    if (colon == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        if (slice_eq_nocase(slice_of(s.p, (size_t)(colon - s.p)), schemes[i]))
            return colon + 1;
    return NULL;
}

static bool is_address(int family, const char *p, const char *end)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    size_t n = (size_t)(end - p);

    if (n >= sizeof text)
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    return strlen(text) == n && inet_pton(family, text, bytes) == 1;
}

/* A resolver reads 127.1, 2130706433 and 0x7f.1 as addresses: that is how a check for local ones is got around. */
static bool is_number(const char *p, const char *end)
{
    bool hex = end - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x';
    for (p += hex ? 2 : 0; p < end; p++)
        if (!(hex ? is_hex(*p) : is_digit(*p)))
            return false;
    return true;
}

/* A point may stand at the end of a name, as in DNS. */
static bool is_host(const char *p, const char *end)
{
    const char *name_end = end - p > 1 && end[-1] == '.' ? end - 1 : end, *last;

    if (name_end - p > 253 || !is_dns_name(p, name_end, &last))
        return false;
    return !is_number(last, name_end) || is_address(AF_INET, p, end);
}

/* ":port", which RFC 3986 lets be empty and we don't. */
static bool is_port(const char *p, const char *end)
{
    unsigned port = 0;

    if (p == end)
        return true;
    if (*p++ != ':' || p == end || end - p > 5)
        return false;
    for (; p < end && is_digit(*p); p++)
        port = port * 10 + (unsigned)(*p - '0');
    return p == end && port <= 65535;
}

static bool is_authority(const char *p, const char *end)
{
    const char *at = memchr(p, '@', (size_t)(end - p)), *host_end;

    if (at != NULL) {
        if (skip(p, at, "-._~!$&'()*+,;=:") != at)
            return false;
        p = at + 1;
    }
    if (p < end && *p == '[') {
        host_end = memchr(p, ']', (size_t)(end - p));
        return host_end != NULL && is_address(AF_INET6, p + 1, host_end) && is_port(host_end + 1, end);
    }
    host_end = memchr(p, ':', (size_t)(end - p));
    if (host_end == NULL)
        host_end = end;
    return is_host(p, host_end) && is_port(host_end, end);
}

bool format_is_url(struct slice s, const struct slice *schemes, uint32_t n_schemes)
{
    const char *end = s.p + s.n, *p = skip_scheme(s, schemes, n_schemes);

    if (p == NULL || end - p < 3 || p[0] != '/' || p[1] != '/')
        return false;
    const char *authority = p + 2;
    for (p = authority; p < end && !is_among(*p, "/?#"); p++)
        ;
    if (!is_authority(authority, p))
        return false;
    p = skip(p, end, "-._~!$&'()*+,;=:@/");
    if (p < end && *p == '?')
        p = skip(p + 1, end, "-._~!$&'()*+,;=:@/?");
    if (p < end && *p == '#')
        p = skip(p + 1, end, "-._~!$&'()*+,;=:@/?");
    return p == end;
}
