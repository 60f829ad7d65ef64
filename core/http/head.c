#include "http/head.h"

const struct slice http_method_names[METHOD_COUNT] = {
    [METHOD_GET] = SLICE_LIT("GET"),         [METHOD_HEAD] = SLICE_LIT("HEAD"),   [METHOD_POST] = SLICE_LIT("POST"),
    [METHOD_PUT] = SLICE_LIT("PUT"),         [METHOD_PATCH] = SLICE_LIT("PATCH"), [METHOD_DELETE] = SLICE_LIT("DELETE"),
    [METHOD_OPTIONS] = SLICE_LIT("OPTIONS"),
};

enum { TOKEN = 1, TARGET = 2, HEX = 4, HOST = 8 };

/* TOKEN: RFC 9110 5.6.2. TARGET: what may stand in a request target beside "?" and "%", which the scanner looks at
 * itself. That is RFC 3986's set and [ ] ^ ` { | }, which browsers send raw in a query; not " # < > \, which servers and
 * proxies are known to read in different ways. HOST: unreserved, RFC 3986 2.3. */
static const uint8_t classes[256] = {
    ['!'] = TOKEN | TARGET,
    ['#'] = TOKEN,
    ['$'] = TOKEN | TARGET,
    ['%'] = TOKEN,
    ['&' ... '\''] = TOKEN | TARGET,
    ['(' ... ')'] = TARGET,
    ['*' ... '+'] = TOKEN | TARGET,
    [','] = TARGET,
    ['-' ... '.'] = TOKEN | TARGET | HOST,
    ['/'] = TARGET,
    ['0' ... '9'] = TOKEN | TARGET | HEX | HOST,
    [':' ... ';'] = TARGET,
    ['='] = TARGET,
    ['@'] = TARGET,
    ['A' ... 'F'] = TOKEN | TARGET | HEX | HOST,
    ['G' ... 'Z'] = TOKEN | TARGET | HOST,
    ['['] = TARGET,
    [']'] = TARGET,
    ['^'] = TOKEN | TARGET,
    ['_'] = TOKEN | TARGET | HOST,
    ['`'] = TOKEN | TARGET,
    ['a' ... 'f'] = TOKEN | TARGET | HEX | HOST,
    ['g' ... 'z'] = TOKEN | TARGET | HOST,
    ['{'] = TARGET,
    ['|'] = TOKEN | TARGET,
    ['}'] = TARGET,
    ['~'] = TOKEN | TARGET | HOST,
};

struct scan {
    struct head *h;
    const char *base, *at, *end;
    bool cut; /* end is the limit of a head, not the end of what came */
    const struct limits *limits;
    const char **why;
};

static bool is(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum head_status refuse(struct scan *s, enum head_status status, const char *why)
{
    *s->why = why;
    return status;
}

static enum head_status bad(struct scan *s, const char *why)
{
    return refuse(s, HEAD_BAD, why);
}

static enum head_status ran_out(struct scan *s)
{
    return s->cut ? refuse(s, HEAD_TOO_LARGE, "the headers are too large") : HEAD_PARTIAL;
}

static struct span span_of(const struct scan *s, const char *from, const char *to)
{
    return (struct span){(uint16_t)(from - s->base), (uint16_t)(to - from)};
}

/* The bytes that OR with 0x20 would confuse with a letter or a hyphen are no token bytes, and names are tokens. */
static bool is_name(const char *p, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] | 0x20) != lower[i])
            return false;
    return true;
}

static enum header_id header_id_of(const char *p, size_t n)
{
#define IS(lit, id)                                               \
    if (n == sizeof(lit) - 1 && is_name(p, lit, sizeof(lit) - 1)) \
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
        uint64_t w;
        memcpy(&w, p, 8);
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
    while (s->at < s->end && is(*s->at, TOKEN))
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

/* Three bytes at p: "%", two hex digits, and not NUL, which ends strings in half the world. */
static bool is_escape(const char *p)
{
    return is(p[1], HEX) && is(p[2], HEX) && !(p[1] == '0' && p[2] == '0');
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
static bool is_authority(const char *p, const char *end)
{
    const char *from = p;
    if (p < end && *p == '[') {
        for (p++; p < end && (is(*p, HEX) || *p == ':' || *p == '.');)
            p++;
        if (p == end || *p != ']' || p - from < 3)
            return false;
        p++;
    } else {
        for (;;) {
            while (p < end && is(*p, HOST))
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
static enum head_status split_absolute(struct scan *s, const char *from, const char *query, const char *end,
                                       struct span *authority)
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
    if (!is_authority(host, path))
        return bad(s, "the host of the request target is malformed");
    *authority = span_of(s, host, path);
    s->h->path = path == path_end ? span_of(s, host - 1, host) : span_of(s, path, path_end);
    return HEAD_OK;
}

static enum head_status split_target(struct scan *s, const char *from, const char *query, const char *end,
                                     struct span *authority)
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
    return split_absolute(s, from, query, end, authority);
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

static enum head_status scan_target(struct scan *s, struct span *authority)
{
    const char *from = s->at, *p = from, *query = NULL;
    for (; p < s->end; p++) {
        if (is(*p, TARGET))
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
    return split_target(s, from, query, p, authority);
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

static enum head_status scan_length(struct scan *s, const char *p, const char *end)
{
    uint64_t length = 0;
    if (p == end || end - p > 18)
        return bad(s, "Content-Length is malformed");
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return bad(s, "Content-Length is malformed");
        length = length * 10 + (uint64_t)(*p - '0');
    }
    s->h->has_length = true;
    s->h->content_length = length;
    return HEAD_OK;
}

enum { SAYS_CLOSE = 1, SAYS_KEEP_ALIVE = 2 };

static unsigned connection_options(const char *p, const char *end)
{
    unsigned says = 0;
    while (p < end) {
        while (p < end && (is_blank(*p) || *p == ','))
            p++;
        const char *from = p;
        while (p < end && *p != ',' && !is_blank(*p))
            p++;
        struct slice option = {from, (size_t)(p - from)};
        if (slice_eq_nocase(option, SLICE_LIT("close")))
            says |= SAYS_CLOSE;
        else if (slice_eq_nocase(option, SLICE_LIT("keep-alive")))
            says |= SAYS_KEEP_ALIVE;
    }
    return says;
}

static const char *twice_fault(enum header_id id)
{
    switch (id) {
    case HEADER_HOST:
        return "two Host headers";
    case HEADER_CONTENT_LENGTH:
        return "two Content-Length headers";
    case HEADER_TRANSFER_ENCODING:
        return "two Transfer-Encoding headers";
    case HEADER_CONTENT_TYPE:
        return "two Content-Type headers";
    case HEADER_AUTHORIZATION:
        return "two Authorization headers";
    default:
        return NULL;
    }
}

/* Judged when the head is whole: until then a second line, or the version, could change what it means. */
static enum head_status note_header(struct scan *s, enum header_id id, const char *p, const char *end, unsigned *says)
{
    struct head *h = s->h;
    if (h->known[id] != 0 && twice_fault(id) != NULL)
        return bad(s, twice_fault(id));
    h->known[id] = (uint8_t)h->header_count;
    switch (id) {
    case HEADER_HOST:
        return is_authority(p, end) ? HEAD_OK : bad(s, "the Host header is malformed");
    case HEADER_CONTENT_LENGTH:
        return scan_length(s, p, end);
    case HEADER_CONNECTION:
        *says |= connection_options(p, end);
        return HEAD_OK;
    default:
        return HEAD_OK;
    }
}

static enum head_status scan_header(struct scan *s, unsigned *says)
{
    const char *name = s->at, *p = name;
    while (p < s->end && is(*p, TOKEN))
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
    return id == HEADER_OTHER ? HEAD_OK : note_header(s, id, value, p, says);
}

/* RFC 9112 6.1 and 6.3: two lengths, or a coding that we do not undo, leave the end of the message open to opinion, and
 * that is how request smuggling starts. */
static enum head_status judge_framing(struct scan *s)
{
    struct head *h = s->h;
    if (h->known[HEADER_TRANSFER_ENCODING] == 0)
        return HEAD_OK;
    struct slice coding = span_slice(s->base, h->headers[h->known[HEADER_TRANSFER_ENCODING] - 1].value);
    if (h->has_length)
        return bad(s, "both Content-Length and Transfer-Encoding");
    if (h->http10)
        return bad(s, "Transfer-Encoding in HTTP/1.0");
    if (coding.n == 0)
        return bad(s, "Transfer-Encoding is empty");
    if (!slice_eq_nocase(coding, SLICE_LIT("chunked")))
        return refuse(s, HEAD_CODING, "the only transfer coding here is chunked");
    h->chunked = true;
    return HEAD_OK;
}

static enum head_status judge_expect(struct scan *s)
{
    struct head *h = s->h;
    if (h->known[HEADER_EXPECT] == 0 || h->http10) /* RFC 9110 10.1.1: ignored in HTTP/1.0 */
        return HEAD_OK;
    struct slice expect = span_slice(s->base, h->headers[h->known[HEADER_EXPECT] - 1].value);
    if (!slice_eq_nocase(expect, SLICE_LIT("100-continue")))
        return refuse(s, HEAD_EXPECTATION, "the only expectation met here is 100-continue");
    h->expect_continue = true;
    return HEAD_OK;
}

static enum head_status judge(struct scan *s, struct span authority, unsigned says)
{
    struct head *h = s->h;
    if (h->known[HEADER_HOST] == 0 && !h->http10)
        return bad(s, "no Host header");
    /* RFC 9112 3.2.2: the host of an absolute target replaces the header's. */
    if (h->known[HEADER_HOST] != 0 && authority.n > 0)
        h->headers[h->known[HEADER_HOST] - 1].value = authority;
    h->keep_alive = (says & SAYS_CLOSE) == 0 && (!h->http10 || (says & SAYS_KEEP_ALIVE) != 0);
    enum head_status status = judge_framing(s);
    return status != HEAD_OK ? status : judge_expect(s);
}

static enum head_status scan_whole(struct scan *s)
{
    struct span authority = {0, 0};
    unsigned says = 0;
    enum head_status status;
    if ((status = scan_leading_line(s)) != HEAD_OK || (status = scan_method(s)) != HEAD_OK ||
        (status = scan_target(s, &authority)) != HEAD_OK || (status = scan_version(s)) != HEAD_OK)
        return status;
    for (;;) {
        if (s->at == s->end)
            return ran_out(s);
        if (*s->at == '\r' || *s->at == '\n')
            break;
        if ((status = scan_header(s, &says)) != HEAD_OK)
            return status;
    }
    if ((status = scan_crlf(s)) != HEAD_OK)
        return status;
    s->h->bytes = (uint32_t)(s->at - s->base);
    return judge(s, authority, says);
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
