#include "base/scan.h"
#include "http/head_scan.h"

const struct slice http_method_names[METHOD_COUNT] = {
    [METHOD_GET] = SLICE_LIT("GET"),         [METHOD_HEAD] = SLICE_LIT("HEAD"),   [METHOD_POST] = SLICE_LIT("POST"),
    [METHOD_PUT] = SLICE_LIT("PUT"),         [METHOD_PATCH] = SLICE_LIT("PATCH"), [METHOD_DELETE] = SLICE_LIT("DELETE"),
    [METHOD_OPTIONS] = SLICE_LIT("OPTIONS"),
};

static inline uint64_t lower8(const char *p)
{
    return scan_load8(p) | SCAN_EACH(0x20);
}

static inline uint32_t lower4(const char *p)
{
    return scan_load4(p) | 0x20202020u;
}

/* Names of 4 to 24 bytes, by words that overlap: n is a constant where it is called. The bytes that OR with 0x20 would
 * confuse with a letter or a hyphen are no token bytes, and names are tokens. */
static inline bool is_name(const char *p, const char *lower, size_t n)
{
    if (n < 8)
        return lower4(p) == lower4(lower) && lower4(p + n - 4) == lower4(lower + n - 4);
    return lower8(p) == lower8(lower) && lower8(p + n - 8) == lower8(lower + n - 8) &&
           (n <= 16 || lower8(p + n - 16) == lower8(lower + n - 16));
}

static enum header_id header_id_of(const char *p, size_t n)
{
#define IS(lit, id)                                                      \
    _Static_assert(sizeof(lit) > 4 && sizeof(lit) <= 25, "see is_name"); \
    if (n == sizeof(lit) - 1 && is_name(p, lit, sizeof(lit) - 1))        \
        return id;
    switch (p[0] | 0x20) {
    case 'a':
        IS("accept", HEADER_ACCEPT)
        IS("authorization", HEADER_AUTHORIZATION)
        break;
    case 'c':
        IS("connection", HEADER_CONNECTION)
        IS("content-type", HEADER_CONTENT_TYPE)
        IS("content-length", HEADER_CONTENT_LENGTH)
        IS("cookie", HEADER_COOKIE)
        break;
    case 'e':
        IS("expect", HEADER_EXPECT)
        break;
    case 'h':
        IS("host", HEADER_HOST)
        break;
    case 'o':
        IS("origin", HEADER_ORIGIN)
        break;
    case 't':
        IS("transfer-encoding", HEADER_TRANSFER_ENCODING)
        break;
    case 'u':
        IS("user-agent", HEADER_USER_AGENT)
        IS("upgrade", HEADER_UPGRADE)
        break;
    case 'x':
        IS("x-request-id", HEADER_X_REQUEST_ID)
        IS("x-forwarded-for", HEADER_X_FORWARDED_FOR)
        break;
    }
#undef IS
    return HEADER_OTHER;
}

/* The first control byte (a tab too) or DEL at or after p. A word at a time: header values are most of a head. */
static const char *find_control(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, high = ones << 7;
    while (end - p >= 8) {
        uint64_t w = scan_load8(p);
        uint64_t del = w ^ (ones * 0x7f);
        uint64_t hit = (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high;
        if (hit != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            /* A borrow can only raise false alarms above a true one, and the lowest bit is the first byte. */
            return p + __builtin_ctzll(hit) / 8;
#else
            break;
#endif
        }
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && *p != 0x7f)
        p++;
    return p;
}

static enum head_status scan_crlf(struct scan *s)
{
    if (s->at == s->end)
        return ran_out(s);
    if (*s->at != '\r')
        return bad(s, *s->at == '\n' ? "a line ends in a bare LF" : "a control byte in the head");
    if (s->end - s->at < 2)
        return ran_out(s);
    if (s->at[1] != '\n')
        return bad(s, "a CR without LF in the head");
    s->at += 2;
    return HEAD_OK;
}

/* RFC 9112 2.2: one empty line before a request is ignored (old clients sent one after a body). */
static enum head_status scan_leading_line(struct scan *s)
{
    if (s->at == s->end || (*s->at != '\r' && *s->at != '\n'))
        return HEAD_OK;
    enum head_status status = scan_crlf(s);
    if (status == HEAD_OK && s->at < s->end && (*s->at == '\r' || *s->at == '\n'))
        return bad(s, "empty lines before the request");
    return status;
}

static enum head_status scan_method(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && is(*s->at, CHAR_TOKEN))
        s->at++;
    if (s->at == s->end)
        return ran_out(s);
    if (*s->at != ' ' || s->at == from)
        return bad(s, "the request line is malformed");
    struct slice name = {from, (size_t)(s->at - from)};
    s->at++;
    for (enum http_method m = 0; m < METHOD_COUNT; m++) {
        if (slice_eq(name, http_method_names[m])) {
            s->h->method = m;
            return HEAD_OK;
        }
    }
    return refuse(s, HEAD_METHOD_UNKNOWN, "the method is not known here");
}

static enum head_status scan_version(struct scan *s)
{
    static const char prefix[] = "HTTP/";
    size_t have = (size_t)(s->end - s->at);
    if (memcmp(s->at, prefix, have < 5 ? have : 5) != 0)
        return bad(s, "the request line is malformed");
    if (have < 9) /* one byte more than "HTTP/1.1", so that "HTTP/1.10" is seen */
        return ran_out(s);
    const char *v = s->at + 5;
    if (v[0] < '0' || v[0] > '9' || v[1] != '.' || v[2] < '0' || v[2] > '9' || (v[3] != '\r' && v[3] != '\n'))
        return bad(s, "the version is malformed");
    if (v[0] != '1')
        return refuse(s, HEAD_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    /* RFC 9110 2.5: a higher minor version is processed as the highest that we know. */
    s->h->http10 = v[2] == '0';
    s->at += 8;
    return scan_crlf(s);
}

static enum head_status scan_header(struct scan *s)
{
    const char *name = s->at, *p = name;
    while (p < s->end && is(*p, CHAR_TOKEN))
        p++;
    s->at = p;
    if (p == s->end)
        return ran_out(s);
    if (p == name)
        return bad(s, is_blank(*p) ? "a folded header line" : "a header line without a name");
    if (*p != ':')
        return bad(s, is_blank(*p) ? "a blank before the colon of a header" : "a header name is malformed");
    const char *value = p + 1, *name_end = p;
    while (value < s->end && is_blank(*value))
        value++;
    p = value;
    while ((p = find_control(p, s->end)) < s->end && *p == '\t')
        p++;
    s->at = p;
    enum head_status status = scan_crlf(s);
    if (status != HEAD_OK)
        return status;
    while (p > value && is_blank(p[-1]))
        p--;
    struct head *h = s->h;
    if (h->header_count == s->limits->headers_max || h->header_count == HEAD_HEADERS_MAX)
        return refuse(s, HEAD_TOO_LARGE, "too many headers");
    enum header_id id = header_id_of(name, (size_t)(name_end - name));
    h->headers[h->header_count++] = (struct header){span_of(s, name, name_end), span_of(s, value, p), id};
    return id == HEADER_OTHER ? HEAD_OK : scan_known(s, id, value, p);
}

static enum head_status scan_whole(struct scan *s)
{
    enum head_status status;
    if ((status = scan_leading_line(s)) != HEAD_OK || (status = scan_method(s)) != HEAD_OK ||
        (status = scan_target(s)) != HEAD_OK || (status = scan_version(s)) != HEAD_OK)
        return status;
    for (;;) {
        if (s->at == s->end)
            return ran_out(s);
        if (*s->at == '\r' || *s->at == '\n')
            break;
        if ((status = scan_header(s)) != HEAD_OK)
            return status;
    }
    if ((status = scan_crlf(s)) != HEAD_OK)
        return status;
    s->h->bytes = (uint32_t)(s->at - s->base);
    return scan_judge(s);
}

/* Is there a reason to scan a partial head again: its last line, or a LF that must be refused? */
static bool is_ripe(const char *p, size_t n, size_t from)
{
    const char *at = p + from, *end = p + n;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (at == p || at[-1] != '\r' || (at - p >= 3 && at[-2] == '\n'))
            return true;
        if (++at == end)
            break;
    }
    return false;
}

enum head_status head_scan(struct head *h, const char *p, size_t n, size_t *scanned, const struct limits *limits,
                           const char **why)
{
    size_t max = limits->head_bytes_max < UINT16_MAX ? limits->head_bytes_max : UINT16_MAX; /* what a span can say */
    struct scan s = {.h = h, .base = p, .at = p, .end = p + n, .limits = limits, .why = why};
    if (n >= max) {
        s.end = p + max;
        s.cut = true;
    } else if (*scanned > 0 && !is_ripe(p, n, *scanned)) {
        *scanned = n;
        return HEAD_PARTIAL;
    }
    h->header_count = 0;
    h->http10 = h->keep_alive = h->chunked = h->expect_continue = h->has_length = false;
    h->content_length = 0;
    memset(h->known, 0, sizeof h->known);
    enum head_status status = scan_whole(&s);
    *scanned = status == HEAD_PARTIAL ? n : 0;
    return status;
}
