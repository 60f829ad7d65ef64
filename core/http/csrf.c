#include "http/csrf.h"

#include "base/address.h"
#include "http/conn.h"

/* ---- the browser's word ---- */

static struct slice without_port(struct slice host, struct slice port)
{
    if (host.n > port.n && slice_eq(slice_of(host.p + host.n - port.n, port.n), port))
        host.n -= port.n;
    return host;
}

/* RFC 6454 5: scheme, host and port. Ours are the Host header's, with the scheme that the proxy in front says; where none
 * says, either will do. */
static bool is_own(struct request *req, struct slice origin)
{
    enum request_scheme scheme = request_scheme(req);
    struct slice host = request_header(req, HEADER_HOST), port = SLICE_LIT(":80");
    if (origin.n > 8 && memcmp(origin.p, "https://", 8) == 0 && scheme != SCHEME_HTTP) {
        origin = slice_of(origin.p + 8, origin.n - 8);
        port = SLICE_LIT(":443");
    } else if (origin.n > 7 && memcmp(origin.p, "http://", 7) == 0 && scheme != SCHEME_HTTPS) {
        origin = slice_of(origin.p + 7, origin.n - 7);
    } else {
        return false;
    }
    return host.n > 0 && slice_eq_nocase(without_port(origin, port), without_port(host, port));
}

/* Browsers let no page write either header (Fetch 4.6, forbidden request-header). */
static bool is_from_us(struct request *req)
{
    struct slice origin = request_header(req, HEADER_ORIGIN);
    if (slice_eq(request_header_named(req, SLICE_LIT("Sec-Fetch-Site")), SLICE_LIT("same-origin")))
        return true;
    return origin.n > 0 && (cors_has(&req->server->cors, origin) || is_own(req, origin));
}

/* ---- the page's ---- */

struct cookies {
    struct slice csrf;
    unsigned csrf_count;
    bool signed_in; /* access_token or refresh_token is there */
};

static void see_cookie(struct cookies *c, struct slice pair)
{
    while (pair.n > 0 && (*pair.p == ' ' || *pair.p == '\t'))
        pair.p++, pair.n--;
    const char *equals = pair.n > 0 ? memchr(pair.p, '=', pair.n) : NULL;
    if (equals == NULL)
        return;
    struct slice name = slice_of(pair.p, (size_t)(equals - pair.p));
    if (slice_eq(name, SLICE_LIT("csrf_token"))) {
        c->csrf = slice_of(equals + 1, pair.n - name.n - 1);
        c->csrf_count++;
    } else if (slice_eq(name, SLICE_LIT("access_token")) || slice_eq(name, SLICE_LIT("refresh_token"))) {
        c->signed_in = true;
    }
}

static struct cookies read_cookies(const struct request *req)
{
    struct cookies c = {.csrf_count = 0};
    for (unsigned i = 0; i < req->head.header_count; i++) {
        if (req->head.headers[i].id != HEADER_COOKIE)
            continue;
        struct slice rest = span_slice(req->base, req->head.headers[i].value);
        while (rest.n > 0) {
            const char *end = memchr(rest.p, ';', rest.n);
            size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n, used = n + (end != NULL);
            see_cookie(&c, slice_of(rest.p, n));
            rest = slice_of(rest.p + used, rest.n - used);
        }
    }
    return c;
}

/* Takes the same time wherever they differ. */
static bool is_same_secret(struct slice a, struct slice b)
{
    volatile unsigned char differs = 0;
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        differs = (unsigned char)(differs | (a.p[i] ^ b.p[i]));
    return differs == 0;
}

/* Two cookies of that name: one was put there by a neighbour, a page of another host below the same domain. */
static bool is_repeated(const struct request *req, const struct cookies *c)
{
    return c->csrf_count == 1 && c->csrf.n >= CSRF_TOKEN_MIN &&
           is_same_secret(c->csrf, request_header_named(req, SLICE_LIT("X-CSRF-Token")));
}

/* ---- together ---- */

static const char foreign[] = "The request comes from a page of another site, or its browser does not say from where";
static const char foreign_host[] =
    "With --as a request is signed in at localhost or an address alone, not at another host name";
static const char not_repeated[] = "The header X-CSRF-Token must repeat the cookie csrf_token";

bool csrf_concerns(const struct request *req)
{
    enum http_method m = req->head.method;
    return m != METHOD_GET && m != METHOD_HEAD && m != METHOD_OPTIONS;
}

const char *csrf_fault(struct request *req)
{
    if (!is_from_us(req))
        return foreign;
    struct cookies c = read_cookies(req);
    return is_repeated(req, &c) ? NULL : not_repeated;
}

const char *csrf_fault_of_guest(struct request *req)
{
    struct cookies c = read_cookies(req);
    if (!c.signed_in)
        return NULL;
    if (!is_from_us(req))
        return foreign;
    return c.csrf_count == 0 || is_repeated(req, &c) ? NULL : not_repeated;
}

/* ---- where everybody is signed in ---- */

static bool ends_with(struct slice s, struct slice end)
{
    return s.n > end.n && slice_eq_nocase(slice_of(s.p + s.n - end.n, end.n), end);
}

/* Names that no stranger can point anywhere: RFC 6761 6.3, and addresses, which are no names. */
static bool is_local_name(struct slice host, const char *own_host)
{
    struct address a;
    if (host.n == 0 || address_parse(host, &a))
        return true; /* HTTP/1.0 knows no Host, and browsers do not speak it */
    const char *colon = memchr(host.p, ':', host.n);
    if (colon != NULL)
        host.n = (size_t)(colon - host.p);
    return slice_eq_nocase(host, SLICE_LIT("localhost")) || ends_with(host, SLICE_LIT(".localhost")) ||
           (own_host != NULL && slice_eq_nocase(host, slice_str(own_host)));
}

const char *csrf_fault_of_assumed(struct request *req, const char *own_host)
{
    struct slice site = request_header_named(req, SLICE_LIT("Sec-Fetch-Site"));
    bool says_where = request_header(req, HEADER_ORIGIN).n > 0 || (site.n > 0 && !slice_eq(site, SLICE_LIT("none")));
    if (!is_local_name(request_header(req, HEADER_HOST), own_host))
        return foreign_host;
    return csrf_concerns(req) && says_where && !is_from_us(req) ? foreign : NULL;
}
