#include "script/auth/bearer.h"

#include "http/request.h"

static const struct slice cookie_name = {"access_token", 12};

/* Another scheme is none of ours: a proxy's Basic sign-in may stand before us. */
static enum bearer_status in_authorization(struct slice v, struct slice *token)
{
    static const char scheme[] = "bearer";
    const size_t n = sizeof scheme - 1;
    if (v.n < n || strncasecmp(v.p, scheme, n) != 0 || (v.n > n && v.p[n] != ' '))
        return BEARER_NONE;
    v = slice_of(v.p + n, v.n - n);
    while (v.n > 0 && *v.p == ' ')
        v.p++, v.n--;
    *token = v;
    return v.n > 0 ? BEARER_FOUND : BEARER_WRONG;
}

/* RFC 6265 5.4: the first of a name is the one with the longest path, the more particular one. */
static bool in_cookies(struct slice s, struct slice *token)
{
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *semi = memchr(p, ';', (size_t)(end - p));
        const char *stop = semi != NULL ? semi : end;
        while (p < stop && *p == ' ')
            p++;
        const char *eq = memchr(p, '=', (size_t)(stop - p));
        if (eq != NULL && slice_eq(slice_of(p, (size_t)(eq - p)), cookie_name) && stop > eq + 1) {
            *token = slice_of(eq + 1, (size_t)(stop - eq - 1));
            return true;
        }
        p = stop + 1;
    }
    return false;
}

enum bearer_status bearer_find(const struct request *req, struct slice *token, bool *by_cookie)
{
    enum bearer_status status = BEARER_NONE;
    const struct head *h = &req->head;
    *by_cookie = false;
    if (h->known[HEADER_AUTHORIZATION] != 0) /* there is one at most: head.c has seen to it */
        status = in_authorization(request_header(req, HEADER_AUTHORIZATION), token);
    if (status != BEARER_NONE || h->known[HEADER_COOKIE] == 0)
        return status;
    for (unsigned i = 0; i < h->header_count; i++) {
        if (h->headers[i].id != HEADER_COOKIE || !in_cookies(span_slice(req->base, h->headers[i].value), token))
            continue;
        *by_cookie = true;
        return BEARER_FOUND;
    }
    return BEARER_NONE;
}
