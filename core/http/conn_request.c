/* What happens to a request between its bytes and the app: the head is judged, the body is read. */
#include "http/conn.h"
#include "http/upload.h"

#include "base/clock.h"

/* The answers that need no app. status 0: none of them, the app shall have it. */
struct verdict {
    int status;
    const char *code, *message;
};

static struct verdict verdict_of_head(enum head_status status, const char *why)
{
    switch (status) {
    case HEAD_TOO_LARGE:
        return (struct verdict){431, "headers_too_large", why};
    case HEAD_TARGET_TOO_LONG:
        return (struct verdict){414, "uri_too_long", why};
    case HEAD_METHOD_UNKNOWN:
    case HEAD_CODING:
        return (struct verdict){501, "not_implemented", why};
    case HEAD_VERSION:
        return (struct verdict){505, "version_not_supported", why};
    case HEAD_EXPECTATION:
        return (struct verdict){417, "expectation_failed", why};
    default:
        return (struct verdict){400, "bad_request", why};
    }
}

/* application/json and the +json types of RFC 6839, whatever their parameters. */
static bool is_json(struct slice type)
{
    const char *semicolon = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;
    if (semicolon != NULL)
        type.n = (size_t)(semicolon - type.p);
    while (type.n > 0 && (type.p[type.n - 1] == ' ' || type.p[type.n - 1] == '\t'))
        type.n--;
    if (slice_eq_nocase(type, SLICE_LIT("application/json")))
        return true;
    return type.n > 17 && strncasecmp(type.p, "application/", 12) == 0 && strncasecmp(type.p + type.n - 5, "+json", 5) == 0;
}

static bool has_body(const struct head *h)
{
    return h->chunked || h->content_length > 0;
}

static size_t body_bytes_max(const struct request *req)
{
    const struct route *route = req->match.route;
    return route != NULL && route->body_bytes_max > 0 ? route->body_bytes_max : req->server->opts.limits->body_bytes_max;
}

static struct verdict find_route(struct request *req)
{
    struct server *s = req->server;
    req->match.allow = 0;
    if (req->head.path.n == 1 && *request_path(req).p == '*') { /* RFC 9110 9.3.7: the server as a whole */
        req->match.allow = (1u << METHOD_COUNT) - 1;
        return (struct verdict){.status = 204};
    }
    if (s->routes == NULL)
        return (struct verdict){404, "not_found", "no such path"};
    switch (route_match(s->routes, req->head.method, req->base, req->head.path, &req->match)) {
    case ROUTE_FOUND:
        req->table = s->routes;
        route_table_ref(req->table);
        return (struct verdict){.status = 0};
    case ROUTE_METHOD_NOT_ALLOWED:
        if (req->head.method == METHOD_OPTIONS)
            return (struct verdict){.status = 204};
        return (struct verdict){405, "method_not_allowed", "the method is not allowed here"};
    default:
        return (struct verdict){404, "not_found", "no such path"};
    }
}

static struct verdict begin_upload(struct request *req)
{
    struct slice boundary;
    if (!multipart_is_form(request_header(req, HEADER_CONTENT_TYPE), &boundary))
        return (struct verdict){.status = 0};
    if (boundary.n == 0)
        return (struct verdict){400, "bad_request", "multipart/form-data needs a boundary"};
    req->upload = upload_new(&req->arena, boundary);
    return (struct verdict){.status = 0};
}

/* What of the body can be told by the head. */
static struct verdict judge_body(struct request *req)
{
    if (req->head.content_length > body_bytes_max(req))
        return (struct verdict){413, "payload_too_large", "the body is too large"};
    if (req->match.route->json_body && has_body(&req->head) && !is_json(request_header(req, HEADER_CONTENT_TYPE)))
        return (struct verdict){415, "unsupported_media_type", "the body must be application/json"};
    if (req->match.route->form && has_body(&req->head))
        return begin_upload(req);
    return (struct verdict){.status = 0};
}

/* Asked before a byte of the body is read: a stranger's upload is not spooled, and one that waits for "100 Continue" hears
 * its answer instead. When the body is still to come this answer is the last: telling where the next request would begin
 * means to read all of it. */
static bool admit(struct request *req, bool whole)
{
    struct conn *c = req->conn;
    const struct http_app *app = &req->server->opts.app;
    bool close_after = c->close_after, unread = c->unread;
    if (app->admit == NULL)
        return true;
    c->close_after = close_after || !whole;
    c->unread = unread || !whole;
    if (!app->admit(req, app->arg))
        return false;
    c->close_after = close_after;
    c->unread = unread;
    return true;
}

static void answer(struct request *req, struct verdict v, bool close)
{
    char allow[7 + 64 + 2] = "Allow: ";
    struct slice headers = slice_of(NULL, 0);
    if (req->match.allow != 0 && (v.status == 405 || v.status == 204)) {
        size_t n = 7 + route_write_allow(allow + 7, req->match.allow);
        memcpy(allow + n, "\r\n", 2);
        headers = slice_of(allow, n + 2);
    }
    struct conn *c = req->conn;
    c->unread = c->unread || close;
    c->close_after = c->close_after || close;
    if (v.status == 204)
        response_send(req, &(struct response){.status = 204, .headers = headers});
    else
        response_error(req, v.status, v.code, slice_str(v.message), slice_of(NULL, 0), headers);
}

/* The browser asks before the page may. Its question has no cookies and no token, so neither the app nor a limit is
 * asked. */
static void answer_preflight(struct request *req, bool close)
{
    char headers[CORS_PREFLIGHT_MAX];
    struct conn *c = req->conn;
    (void)find_route(req);
    c->unread = c->unread || close;
    c->close_after = c->close_after || close;
    response_send(req, &(struct response){.status = 204, .headers = cors_preflight(req, req->match.allow, headers)});
}

static struct request *begin(struct conn *c)
{
    struct request *req = request_acquire(c->server);
    req->conn = c;
    req->started_us = c->state == CONN_HEAD ? c->head_us : clock_monotonic_us();
    return req;
}

void conn_refuse(struct conn *c, int status, const char *code, const char *why)
{
    struct slice headers = status == 503 ? SLICE_LIT("Retry-After: 1\r\n") : slice_of(NULL, 0);
    if (c->req == NULL) {
        conn_set_request(c, begin(c));
        c->req->headless = true;
        request_name(c->req);
    }
    buf_printf(&c->req->log_fields, ",\"reason\":\"%s\"", why); /* ours, without anything to quote */
    c->close_after = c->unread = true;
    response_error(c->req, status, code, slice_str(why), slice_of(NULL, 0), headers);
}

static void start(struct conn *c, struct request *req)
{
    struct server *s = c->server;
    c->state = CONN_RUN;
    req->started = true;
    s->opts.app.start(req, s->opts.app.arg);
    if (c->req != req) /* answered, or gone */
        return;
    request_own(req);
    if (c->state == CONN_RUN)
        conn_enter(c, CONN_RUN);
}

/* The body of a form goes to its parts as it comes and is nowhere whole. False: it was refused. */
static bool take_upload(struct conn *c, struct request *req, struct slice bytes, bool last)
{
    switch (upload_read(req->upload, bytes, last)) {
    case UPLOAD_OK:
        return true;
    case UPLOAD_TOO_LARGE:
        conn_refuse(c, 413, "payload_too_large", req->upload->why);
        return false;
    case UPLOAD_FAILED:
        conn_refuse(c, 503, "unavailable", req->upload->why);
        return false;
    default:
        conn_refuse(c, 400, "bad_request", req->upload->why);
        return false;
    }
}

/* Reads the body as it comes. RFC 9110 10.1.1: 100 only when the request will be read, and not when its body is already
 * on its way. */
static void await_body(struct conn *c, struct request *req, bool body_in_hand)
{
    struct body_reader *reader = &((struct exchange *)(void *)req)->reader;
    request_own(req);
    buf_clear(&req->body_copy);
    if (req->head.chunked)
        body_begin_chunked(reader, body_bytes_max(req), &req->body_copy);
    else
        body_begin_sized(reader, req->head.content_length, body_bytes_max(req), &req->body_copy);
    if (req->head.expect_continue && !body_in_hand)
        buf_lit(conn_out(c), "HTTP/1.1 100 Continue\r\n\r\n");
    conn_enter(c, CONN_BODY);
}

static size_t on_head(struct conn *c, struct request *req, size_t n)
{
    size_t head_n = req->head.bytes, body_n = req->head.chunked ? 0 : req->head.content_length;
    bool whole = !req->head.chunked && body_n <= n - head_n;
    request_name(req);
    size_t refused_n = whole ? head_n + body_n : n;
    if (cors_is_preflight(req)) {
        answer_preflight(req, !whole);
        return refused_n;
    }
    struct verdict v = find_route(req);
    if (v.status == 0) {
        if (!admit(req, whole))
            return refused_n;
        v = judge_body(req);
    }
    if (v.status != 0) {
        answer(req, v, !whole);
        return refused_n;
    }
    if (!whole) {
        await_body(c, req, n > head_n);
        return head_n;
    }
    req->body = slice_of(req->base + head_n, body_n);
    if (req->upload != NULL) {
        if (!take_upload(c, req, req->body, true))
            return n;
        req->body = slice_of(NULL, 0);
    }
    start(c, req);
    return head_n + body_n;
}

size_t conn_take_head(struct conn *c, const char *p, size_t n)
{
    const char *why = NULL;
    size_t scanned = c->scanned;
    struct request *req = begin(c);
    enum head_status status = head_scan(&req->head, p, n, &scanned, c->server->opts.limits, &why);
    c->scanned = (uint32_t)scanned;
    if (status == HEAD_PARTIAL) {
        c->head_us = req->started_us;
        request_release(req);
        if (c->state != CONN_HEAD)
            conn_enter(c, CONN_HEAD);
        return 0;
    }
    conn_set_request(c, req);
    c->server->counts.requests++;
    if (status != HEAD_OK) {
        struct verdict v = verdict_of_head(status, why);
        req->headless = true;
        req->base = p; /* for its Origin */
        request_name(req);
        conn_refuse(c, v.status, v.code, v.message);
        return n;
    }
    req->base = p;
    c->fresh = false;
    return on_head(c, req, n);
}

size_t conn_take_body(struct conn *c, const char *p, size_t n)
{
    struct request *req = c->req;
    struct body_reader *reader = &((struct exchange *)(void *)req)->reader;
    size_t used;
    enum body_status status = body_read(reader, p, n, &used);
    if (req->upload != NULL && (status == BODY_OK || status == BODY_DONE)) {
        if (!take_upload(c, req, buf_view(&req->body_copy), status == BODY_DONE))
            return n;
        buf_clear(&req->body_copy);
    }
    switch (status) {
    case BODY_OK:
        return n;
    case BODY_DONE:
        req->body = buf_view(&req->body_copy);
        start(c, req);
        return used;
    case BODY_TOO_LARGE:
        conn_refuse(c, 413, "payload_too_large", "the body is too large");
        return n;
    default:
        conn_refuse(c, 400, "bad_request", reader->why);
        return n;
    }
}
