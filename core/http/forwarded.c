#include "http/forwarded.h"

#include "http/conn.h"

/* Entries that are looked at: a list is as long as its sender likes. */
enum { ENTRIES_MAX = 64 };

/* The elements of all lines of one name, from the last to the first (RFC 9110 5.3: lines are one list, in their order). */
struct backwards {
    const struct request *req;
    struct slice name;
    unsigned line;     /* lines before this index were not looked at */
    struct slice rest; /* of the present line, what lies before the last element */
    bool more;         /* rest has another element, maybe an empty one */
    bool quotes;       /* an element may hold quoted commas */
    unsigned seen;
};

static struct backwards backwards(const struct request *req, bool standard, struct slice otherwise)
{
    return (struct backwards){.req = req,
                              .name = standard ? SLICE_LIT("Forwarded") : otherwise,
                              .quotes = standard,
                              .line = req->headless ? 0 : req->head.header_count};
}

static struct slice trimmed(struct slice s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool line_before(struct backwards *b)
{
    while (b->line > 0) {
        const struct header *h = &b->req->head.headers[--b->line];
        if (!slice_eq_nocase(span_slice(b->req->base, h->name), b->name))
            continue;
        b->rest = span_slice(b->req->base, h->value);
        return true;
    }
    return false;
}

/* Where the last element begins: behind the last comma that is not in quotes. Quotes are Forwarded's only: elsewhere one
 * that the client put there must not hide what the proxies wrote behind it. False: a quote has no end. */
static bool last_element(struct slice s, bool quotes, size_t *at)
{
    bool quoted = false;
    *at = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (quotes && quoted && s.p[i] == '\\')
            i++; /* RFC 9110 5.6.4: the next one is meant as it is */
        else if (quotes && s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == ',' && !quoted)
            *at = i + 1;
    }
    return !quoted;
}

static bool element_before(struct backwards *b, struct slice *out)
{
    if ((!b->more && !line_before(b)) || b->seen++ == ENTRIES_MAX)
        return false;
    size_t at;
    if (!last_element(b->rest, b->quotes, &at))
        return false;
    *out = trimmed(slice_of(b->rest.p + at, b->rest.n - at));
    b->more = at > 0;
    b->rest.n = at > 0 ? at - 1 : 0;
    return true;
}

static struct slice next_pair(struct slice *rest)
{
    bool quoted = false;
    size_t n = 0;
    for (; n < rest->n && (quoted || rest->p[n] != ';'); n++) {
        if (quoted && rest->p[n] == '\\' && n + 1 < rest->n)
            n++;
        else if (rest->p[n] == '"')
            quoted = !quoted;
    }
    struct slice pair = slice_of(rest->p, n);
    n += n < rest->n;
    *rest = slice_of(rest->p + n, rest->n - n);
    return trimmed(pair);
}

/* RFC 7239 4: name=value pairs with semicolons between them; a value with a colon is quoted. */
static struct slice parameter(struct slice element, struct slice name)
{
    while (element.n > 0) {
        struct slice pair = next_pair(&element);
        if (pair.n <= name.n || pair.p[name.n] != '=' || !slice_eq_nocase(slice_of(pair.p, name.n), name))
            continue;
        struct slice value = slice_of(pair.p + name.n + 1, pair.n - name.n - 1);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = slice_of(value.p + 1, value.n - 2);
        return value;
    }
    return slice_of("", 0);
}

static const struct address *peer(struct request *req)
{
    static const struct address none = {.kind = ADDRESS_NONE};
    return req->conn != NULL ? conn_peer(req->conn) : &none;
}

static void find_address(struct request *req)
{
    const struct forwarded *f = &req->server->forwarded;
    struct slice element;
    struct address next;
    req->address = *peer(req);
    struct backwards b = backwards(req, f->standard, SLICE_LIT("X-Forwarded-For"));
    while (address_set_has(&f->proxies, &req->address) && element_before(&b, &element)) {
        if (f->standard)
            element = parameter(element, SLICE_LIT("for"));
        if (!address_parse(element, &next)) /* "unknown", or a name that hides it: the last one who is known stands for it */
            return;
        req->address = next;
    }
}

const struct address *request_address(struct request *req)
{
    if (req->address.kind == ADDRESS_UNKNOWN)
        find_address(req);
    return &req->address;
}

enum request_scheme request_scheme(struct request *req)
{
    const struct forwarded *f = &req->server->forwarded;
    struct slice element;
    if (f->proxies.n == 0 || !address_set_has(&f->proxies, peer(req)))
        return SCHEME_UNKNOWN;
    struct backwards b = backwards(req, f->standard, SLICE_LIT("X-Forwarded-Proto"));
    if (!element_before(&b, &element))
        return SCHEME_UNKNOWN;
    if (f->standard)
        element = parameter(element, SLICE_LIT("proto"));
    if (slice_eq_nocase(element, SLICE_LIT("https")))
        return SCHEME_HTTPS;
    return slice_eq_nocase(element, SLICE_LIT("http")) ? SCHEME_HTTP : SCHEME_UNKNOWN;
}
