#include "redis/place.h"

enum { PORT_MAX = 65535, DB_MAX = 1 << 20 };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1; false when it does not fit, or holds a NUL. */
static bool decode(struct slice s, char out[static REDIS_TEXT_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int c = (unsigned char)s.p[i];
        if (c == '%') {
            if (s.n - i < 3 || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0)
                return false;
            c = hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]);
            i += 2;
        }
        if (c == 0 || n == REDIS_TEXT_MAX - 1)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool read_number(struct slice s, unsigned max, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(s.p[i] - '0');
        if (*out > max)
            return false;
    }
    return s.n > 0;
}

static bool take(struct slice *s, struct slice prefix)
{
    if (s->n < prefix.n || memcmp(s->p, prefix.p, prefix.n) != 0)
        return false;
    *s = slice_of(s->p + prefix.n, s->n - prefix.n);
    return true;
}

/* What lies before the first (or last) such byte goes to *before; false when there is none, and nothing is taken. */
static bool split(struct slice *s, char at, bool last, struct slice *before)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t k = last ? s->n - 1 - i : i;
        if (s->p[k] != at)
            continue;
        *before = slice_of(s->p, k);
        *s = slice_of(s->p + k + 1, s->n - k - 1);
        return true;
    }
    return false;
}

static bool read_login(struct slice login, struct redis_place *out)
{
    struct slice user;
    if (!split(&login, ':', false, &user))
        return false;
    return decode(user, out->user) && decode(login, out->password) && out->password[0] != '\0';
}

static bool read_address(struct slice s, struct redis_place *out)
{
    struct slice host = s;
    out->port = REDIS_PORT;
    if (s.n > 0 && s.p[0] == '[') {
        if (!split(&s, ']', false, &host) || (s.n > 0 && !take(&s, SLICE_LIT(":"))))
            return false;
        host = slice_of(host.p + 1, host.n - 1);
        if (s.p > host.p + host.n + 1 && !read_number(s, PORT_MAX, &out->port))
            return false;
    } else if (split(&s, ':', true, &host) && !read_number(s, PORT_MAX, &out->port)) {
        return false;
    }
    return decode(host, out->host) && out->host[0] != '\0' && out->port > 0;
}

static bool read_path(struct slice s, struct redis_place *out)
{
    struct slice path;
    out->is_path = true;
    if (split(&s, '?', false, &path)) {
        if (!take(&s, SLICE_LIT("db=")) || !read_number(s, DB_MAX, &out->db))
            return false;
        s = path;
    }
    return decode(s, out->host) && out->host[0] == '/';
}

bool redis_place_parse(struct slice url, struct redis_place *out)
{
    struct slice part;
    *out = (struct redis_place){.port = 0};
    bool is_path = take(&url, SLICE_LIT("unix://"));
    if (!is_path && !take(&url, SLICE_LIT("redis://")))
        return false;
    if (split(&url, '@', true, &part) && !read_login(part, out))
        return false;
    if (is_path)
        return read_path(url, out);
    if (split(&url, '/', false, &part)) {
        if (url.n > 0 && !read_number(url, DB_MAX, &out->db))
            return false;
        url = part;
    }
    return read_address(url, out);
}
