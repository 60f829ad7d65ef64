#include "http/cors.h"

#include "base/mem.h"
#include "http/conn.h"

#include <assert.h>
#include <stdlib.h>

enum { ASKED_HEADERS_MAX = 1024 };

static struct slice next_line(struct slice *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    struct slice line = slice_of(rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n);
    size_t used = line.n + (end != NULL);
    *rest = slice_of(rest->p + used, rest->n - used);
    return line;
}

void cors_init(struct cors *c, struct slice lines)
{
    *c = (struct cors){0};
    if (lines.n == 0)
        return;
    c->text = mem_alloc(lines.n);
    memcpy(c->text, lines.p, lines.n);
    lines.p = c->text;
    while (lines.n > 0) {
        struct slice origin = next_line(&lines);
        if (origin.n == 0 || origin.n > CORS_ORIGIN_MAX)
            continue;
        c->origins = mem_realloc(c->origins, (c->n + 1) * sizeof *c->origins);
        c->origins[c->n++] = origin;
    }
}

void cors_deinit(struct cors *c)
{
    free(c->text);
    free(c->origins);
    *c = (struct cors){0};
}

bool cors_has(const struct cors *c, struct slice origin)
{
    for (size_t i = 0; i < c->n; i++)
        if (slice_eq(c->origins[i], origin))
            return true;
    return false;
}

/* Not request_header: a head that was refused for a later line has its origin all the same, and the page should be able to
 * read the refusal. */
struct slice cors_origin(const struct request *req)
{
    const struct head *h = &req->head;
    if (req->base == NULL || h->known[HEADER_ORIGIN] == 0)
        return slice_of(NULL, 0);
    struct slice origin = span_slice(req->base, h->headers[h->known[HEADER_ORIGIN] - 1].value);
    return cors_has(&req->server->cors, origin) ? origin : slice_of(NULL, 0);
}

static char *put(char *p, struct slice s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

char *cors_put(char *p, const struct request *req, struct slice origin)
{
    if (origin.n == 0)
        return p;
    p = put(p, SLICE_LIT("Access-Control-Allow-Origin: "));
    p = put(p, origin);
    p = put(p, SLICE_LIT("\r\nAccess-Control-Allow-Credentials: true\r\n"));
    if (req->headless || req->head.method != METHOD_OPTIONS)
        p = put(p, SLICE_LIT("Access-Control-Expose-Headers: X-Request-ID, Location, Retry-After, RateLimit, "
                             "RateLimit-Policy, Idempotent-Replay\r\n"));
    return p;
}

bool cors_is_preflight(const struct request *req)
{
    return req->head.method == METHOD_OPTIONS && req->head.known[HEADER_ORIGIN] != 0 &&
           request_header_named(req, SLICE_LIT("Access-Control-Request-Method")).n > 0 && cors_origin(req).n > 0;
}

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The browser's list of the headers that its page wants to send: names and commas. Anything else is not repeated. */
static bool is_sane(struct slice names)
{
    for (size_t i = 0; i < names.n; i++)
        if (!is_token_byte(names.p[i]) && names.p[i] != ',' && names.p[i] != ' ')
            return false;
    return names.n > 0 && names.n <= ASKED_HEADERS_MAX;
}

/* A page that asks for a path which is not there shall be able to read the 404: it may send what it asked to send. */
static char *put_methods(char *p, const struct request *req, unsigned allow)
{
    struct slice asked = request_header_named(req, SLICE_LIT("Access-Control-Request-Method"));
    p = put(p, SLICE_LIT("Access-Control-Allow-Methods: "));
    for (enum http_method m = 0; m < METHOD_COUNT && allow == 0; m++)
        if (slice_eq(asked, http_method_names[m]))
            allow = 1u << m | 1u << METHOD_OPTIONS;
    char text[64];
    p = put(p, slice_of(text, route_write_allow(text, allow)));
    return put(p, SLICE_LIT("\r\n"));
}

struct slice cors_preflight(const struct request *req, unsigned allow, char out[static CORS_PREFLIGHT_MAX])
{
    struct slice names = request_header_named(req, SLICE_LIT("Access-Control-Request-Headers"));
    char *p = put_methods(out, req, allow);
    if (is_sane(names)) {
        p = put(p, SLICE_LIT("Access-Control-Allow-Headers: "));
        p = put(p, names);
        p = put(p, SLICE_LIT("\r\n"));
    }
    p = put(p, SLICE_LIT("Access-Control-Max-Age: 600\r\n"
                         "Vary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n"));
    assert(p - out <= CORS_PREFLIGHT_MAX);
    return slice_of(out, (size_t)(p - out));
}
