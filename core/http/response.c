#include "http/conn.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/quote.h"
#include "http/problem.h"

#include <assert.h>

enum {
    EDGE_BYTES_MAX = CORS_LINES_MAX + 128, /* 128: HSTS and Vary */
    TIMING_BYTES_MAX = 32 + NUMBER_TEXT_MAX,
};

/* Whole status lines, so that an answer starts with one copy. */
#define LINE(code, reason) [(code)-100] = SLICE_LIT("HTTP/1.1 " #code " " reason "\r\n")
static const struct slice status_lines[500] = {
    LINE(200, "OK"),
    LINE(201, "Created"),
    LINE(202, "Accepted"),
    LINE(203, "Non-Authoritative Information"),
    LINE(204, "No Content"),
    LINE(205, "Reset Content"),
    LINE(206, "Partial Content"),
    LINE(207, "Multi-Status"),
    LINE(300, "Multiple Choices"),
    LINE(301, "Moved Permanently"),
    LINE(302, "Found"),
    LINE(303, "See Other"),
    LINE(304, "Not Modified"),
    LINE(307, "Temporary Redirect"),
    LINE(308, "Permanent Redirect"),
    LINE(400, "Bad Request"),
    LINE(401, "Unauthorized"),
    LINE(402, "Payment Required"),
    LINE(403, "Forbidden"),
    LINE(404, "Not Found"),
    LINE(405, "Method Not Allowed"),
    LINE(406, "Not Acceptable"),
    LINE(408, "Request Timeout"),
    LINE(409, "Conflict"),
    LINE(410, "Gone"),
    LINE(411, "Length Required"),
    LINE(412, "Precondition Failed"),
    LINE(413, "Content Too Large"),
    LINE(414, "URI Too Long"),
    LINE(415, "Unsupported Media Type"),
    LINE(416, "Range Not Satisfiable"),
    LINE(417, "Expectation Failed"),
    LINE(421, "Misdirected Request"),
    LINE(422, "Unprocessable Content"),
    LINE(423, "Locked"),
    LINE(424, "Failed Dependency"),
    LINE(425, "Too Early"),
    LINE(426, "Upgrade Required"),
    LINE(428, "Precondition Required"),
    LINE(429, "Too Many Requests"),
    LINE(431, "Request Header Fields Too Large"),
    LINE(451, "Unavailable For Legal Reasons"),
    LINE(500, "Internal Server Error"),
    LINE(501, "Not Implemented"),
    LINE(502, "Bad Gateway"),
    LINE(503, "Service Unavailable"),
    LINE(504, "Gateway Timeout"),
    LINE(505, "HTTP Version Not Supported"),
    LINE(507, "Insufficient Storage"),
};
#undef LINE

static struct slice status_line(int status, char room[static 16])
{
    assert(status >= 200 && status <= 599);
    struct slice line = status_lines[status - 100];
    if (line.n > 0)
        return line;
    memcpy(room, "HTTP/1.1 000 \r\n", 15);
    room[9] = (char)('0' + status / 100);
    room[10] = (char)('0' + status / 10 % 10);
    room[11] = (char)('0' + status % 10);
    return slice_of(room, 15);
}

const char *response_reason(int status)
{
    static char reasons[500][32];
    struct slice line = status < 100 || status > 599 ? SLICE_LIT("") : status_lines[status - 100];
    if (line.n == 0)
        return "";
    char *reason = reasons[status - 100];
    memcpy(reason, line.p + 13, line.n - 13 - 2);
    return reason;
}

static char *put(char *p, struct slice s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}
#define PUT(p, lit) put((p), SLICE_LIT(lit))

/* RFC 9110 8.6 and 15.3.5: an answer with one of these has no content, and no length says so. */
static bool is_bodyless(int status)
{
    return status == 204 || status == 304;
}

static char *put_content(char *p, const struct response *res, bool http10)
{
    if (res->body.n > 0 || res->content_type.n > 0) {
        p = PUT(p, "Content-Type: ");
        p = put(p, res->content_type.n > 0 ? res->content_type : SLICE_LIT("application/json"));
        p = PUT(p, "\r\n");
    }
    if (res->streamed) /* RFC 9112 6.1: HTTP/1.0 knows no coding, its answer goes on until the connection ends */
        return http10 ? p : PUT(p, "Transfer-Encoding: chunked\r\n");
    p = PUT(p, "Content-Length: ");
    p += number_write_u64(p, res->body.n);
    return PUT(p, "\r\n");
}

/* Up to and with the line's end. */
static struct slice next_line(struct slice *rest)
{
    const char *lf = memchr(rest->p, '\n', rest->n);
    size_t n = lf ? (size_t)(lf - rest->p) + 1 : rest->n;
    struct slice line = slice_of(rest->p, n);
    rest->p += n;
    rest->n -= n;
    return line;
}

static struct slice line_name(struct slice line)
{
    const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
    return slice_of(line.p, colon ? (size_t)(colon - line.p) : 0);
}

/* The lines that every answer has, but for those that the handler says itself: one line of a name is enough. */
static char *put_common(char *p, struct slice common, struct slice headers)
{
    while (common.n > 0) {
        struct slice line = next_line(&common), name = line_name(line), rest = headers;
        bool said = false;
        while (rest.n > 0 && !said)
            said = name.n > 0 && slice_eq_nocase(line_name(next_line(&rest)), name);
        if (!said)
            p = put(p, line);
    }
    return p;
}

/* RFC 6797 7.2: not over a connection that is known to be a plain one. */
static bool is_strict(struct request *req)
{
    return req->server->opts.production && request_scheme(req) != SCHEME_HTTP;
}

/* The lines that depend on who asks. */
static char *put_edges(char *p, struct request *req, struct slice headers)
{
    char lines[EDGE_BYTES_MAX], *end = lines;
    if (is_strict(req))
        end = PUT(end, "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
    end = cors_put(end, req, cors_origin(req));
    assert(end - lines <= EDGE_BYTES_MAX);
    struct slice edges = slice_of(lines, (size_t)(end - lines));
    p = headers.n == 0 ? put(p, edges) : put_common(p, edges, headers);
    /* A line of its own: what the handler says of Vary adds to it (RFC 9110 5.3). */
    if (req->server->cors.n > 0)
        p = PUT(p, "Vary: Origin\r\n");
    return req->more_headers.n > 0 ? put(p, req->more_headers) : p;
}

/* W3C Server Timing: milliseconds from the first byte of the head to the first of the answer. */
static char *put_timing(char *p, const struct request *req)
{
    p = PUT(p, "Server-Timing: total;dur=");
    p += number_write_double(p, (double)(clock_monotonic_us() - req->started_us) / 1000.0);
    return PUT(p, "\r\n");
}

static void write_head(struct buf *out, struct request *req, const struct response *res, bool close)
{
    char room[16];
    struct slice line = status_line(res->status, room);
    struct slice common = server_common_headers(req->server);
    /* 160: the names, the length and the line ends below, with half as much to spare; TIMING_BYTES_MAX has its own. */
    size_t most = line.n + common.n + EDGE_BYTES_MAX + req->more_headers.n + req->id_n + res->content_type.n +
                  res->headers.n + 160 + TIMING_BYTES_MAX;
    char *from = buf_reserve(out, most), *p = from;
    p = put(p, line);
    p = res->headers.n == 0 ? put(p, common) : put_common(p, common, res->headers);
    p = put_edges(p, req, res->headers);
    p = PUT(p, "X-Request-ID: ");
    p = put(p, request_id(req));
    p = PUT(p, "\r\n");
    if (!is_bodyless(res->status))
        p = put_content(p, res, req->head.http10);
    if (req->server->opts.server_timing)
        p = put_timing(p, req);
    if (close)
        p = PUT(p, "Connection: close\r\n");
    else if (req->head.http10)
        p = PUT(p, "Connection: keep-alive\r\n");
    if (res->headers.n > 0)
        p = put(p, res->headers);
    p = PUT(p, "\r\n");
    assert((size_t)(p - from) <= most);
    out->n += (size_t)(p - from);
}

/* The client knows of the end already when it asked for it; otherwise it may be sending its next request this moment. */
static void decide_close(struct conn *c, const struct request *req, const struct response *res)
{
    bool unasked = res->close || req->server->draining || req->headless;
    c->unread = c->unread || unasked;
    c->close_after = c->close_after || unasked || !req->head.keep_alive;
}

void response_begin(struct request *req, const struct response *res)
{
    struct conn *c = req->conn;
    decide_close(c, req, res);
    write_head(conn_out(c), req, res, c->close_after);
    req->server->counts.by_class[res->status / 100]++;
}

void response_send(struct request *req, const struct response *res)
{
    struct server *s = req->server;
    struct conn *c = req->conn;
    assert(!req->answered);
    req->answered = true;
    if (c == NULL) {
        access_line(req, STATUS_CLIENT_LEFT, 0);
        request_release(req);
        return;
    }
    bool bare = is_bodyless(res->status) || (!req->headless && req->head.method == METHOD_HEAD);
    struct slice body = bare ? slice_of(NULL, 0) : res->body;
    response_begin(req, res);
    access_line(req, res->status, body.n);
    conn_set_request(c, NULL);
    if (body.n > JOIN_BYTES_MAX)
        conn_flush(c, body);
    else if (body.n > 0)
        buf_slice(&s->out, body);
    request_release(req);
    conn_go_on(c);
}

static void write_envelope(struct buf *out, struct slice code, struct slice message, struct slice details)
{
    buf_lit(out, "{\"error\":{\"code\":");
    quote_json(out, code);
    buf_lit(out, ",\"message\":");
    quote_json(out, message);
    if (details.n > 0) {
        buf_lit(out, ",\"details\":");
        buf_slice(out, details);
    }
    buf_lit(out, "}}");
}

void response_error(struct request *req, int status, const char *code, struct slice message, struct slice details,
                    struct slice headers)
{
    struct buf body = req->server->scratch; /* taken, in case that sending this leads to another error */
    req->server->scratch = BUF_INIT;
    buf_clear(&body);
    struct response res = {.status = status, .headers = headers};
    if (!req->headless && problem_is_wanted(request_header(req, HEADER_ACCEPT))) {
        res.content_type = SLICE_LIT("application/problem+json");
        problem_write(&body, status, slice_str(code), message, details);
    } else
        write_envelope(&body, slice_str(code), message, details);
    res.body = buf_view(&body);
    struct server *s = req->server;
    response_send(req, &res);
    buf_free(&s->scratch);
    s->scratch = body;
}

bool response_header_ok(struct slice name, struct slice value)
{
    static const struct slice ours[] = {
        SLICE_LIT("Content-Length"), SLICE_LIT("Transfer-Encoding"), SLICE_LIT("Connection"),
        SLICE_LIT("Date"),           SLICE_LIT("X-Request-ID"),
    };
    if (name.n == 0)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (slice_eq_nocase(name, ours[i]))
            return false;
    return true;
}
