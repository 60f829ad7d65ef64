#include "core/http/response.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

TEST("a status has its reason, and an unknown one an empty reason")
{
    CHECK_STR(response_reason(200), strlen(response_reason(200)), "OK");
    CHECK_STR(response_reason(431), strlen(response_reason(431)), "Request Header Fields Too Large");
    CHECK_STR(response_reason(299), strlen(response_reason(299)), "");
    CHECK_STR(response_reason(7), strlen(response_reason(7)), "");
    for (int status = 200; status < 600; status++) {
        char room[16];
        struct slice line = status_line(status, room);
        char want[16];
        snprintf(want, sizeof want, "HTTP/1.1 %d ", status);
        CHECK(line.n > 14 && memcmp(line.p, want, 13) == 0 && memcmp(line.p + line.n - 2, "\r\n", 2) == 0);
    }
}

TEST("a header is a token and a value without line ends, and ours are ours")
{
    CHECK(response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("b c\t\xc3\xa9")));
    CHECK(response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("")));
    CHECK(!response_header_ok(SLICE_LIT(""), SLICE_LIT("b")));
    CHECK(!response_header_ok(SLICE_LIT("X A"), SLICE_LIT("b")));
    CHECK(!response_header_ok(SLICE_LIT("X-A:"), SLICE_LIT("b")));
    CHECK(!response_header_ok(SLICE_LIT("X\xc3"), SLICE_LIT("b")));
    CHECK(!response_header_ok(SLICE_LIT("X\0"), SLICE_LIT("b")));
    CHECK(!response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("b\r\nSet-Cookie: c")));
    CHECK(!response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("b\n")));
    CHECK(!response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("b\0")));
    CHECK(!response_header_ok(SLICE_LIT("X-A"), SLICE_LIT("b\x7f")));
    CHECK(!response_header_ok(SLICE_LIT("content-length"), SLICE_LIT("1")));
    CHECK(!response_header_ok(SLICE_LIT("Transfer-Encoding"), SLICE_LIT("chunked")));
    CHECK(!response_header_ok(SLICE_LIT("CONNECTION"), SLICE_LIT("close")));
    CHECK(!response_header_ok(SLICE_LIT("Date"), SLICE_LIT("now")));
    CHECK(!response_header_ok(SLICE_LIT("X-Request-Id"), SLICE_LIT("1")));
}

TEST("the envelope quotes what is text and leaves details as they are")
{
    struct buf b = BUF_INIT;
    write_envelope(&b, SLICE_LIT("a"), SLICE_LIT("say \"b\"\n"), slice_of(NULL, 0));
    CHECK_STR(b.p, b.n, "{\"error\":{\"code\":\"a\",\"message\":\"say \\\"b\\\"\\n\"}}");
    buf_clear(&b);
    write_envelope(&b, SLICE_LIT("a"), SLICE_LIT(""), SLICE_LIT("[1]"));
    CHECK_STR(b.p, b.n, "{\"error\":{\"code\":\"a\",\"message\":\"\",\"details\":[1]}}");
    buf_free(&b);
}

static struct response planned;
static bool later;

static void plan_start(struct request *req, void *arg)
{
    (void)arg;
    if (later)
        net.waiting[net.waiting_count++] = req;
    else
        response_send(req, &planned);
}

/* What a client gets for `planned`, answered inside start() or after it; without the lines that every answer has. */
static struct client *answer_of(const char *method, bool is_later)
{
    char text[100];
    net_open();
    net.server->opts.app.start = plan_start;
    later = is_later;
    struct client *c = client_open();
    snprintf(text, sizeof text, "%s /hello HTTP/1.1\r\n" HOST "X-Request-ID: i\r\n\r\n", method);
    client_say(c, text);
    if (later) {
        UNTIL(net.waiting_count == 1);
        response_send(net.waiting[0], &planned);
    }
    UNTIL(HAS(c, "\r\n\r\n"));
    turns(3);
    return c;
}

static void expect(const char *method, const char *start, const char *end)
{
    for (int i = 0; i < 2; i++) {
        struct client *c = answer_of(method, i == 1);
        CHECK(c->got.n > strlen(start) && memcmp(c->got.p, start, strlen(start)) == 0);
        const char *id = find(c->got.p, c->got.p + c->got.n, "X-Request-ID: i\r\n");
        CHECK(id != NULL);
        id += strlen("X-Request-ID: i\r\n");
        CHECK_STR(id, (size_t)(c->got.p + c->got.n - id), end);
        CHECK_INT(count_of(c, "\r\nReferrer-Policy: no-referrer\r\n"), 1);
        CHECK_INT(count_of(c, "\r\nX-Frame-Options: DENY\r\n"), 1);
        CHECK_INT(count_of(c, "\r\nDate: "), 1);
        CHECK_INT(count_of(c, "Server:") + count_of(c, "Strict-Transport"), 0);
        net_close();
    }
}

TEST("a body has a type and a length, and is JSON unless it says otherwise")
{
    planned = (struct response){.status = 201, .body = SLICE_LIT("{}")};
    expect("GET", "HTTP/1.1 201 Created\r\n", "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    planned.content_type = SLICE_LIT("text/plain; charset=utf-8");
    planned.headers = SLICE_LIT("X-A: b\r\nX-C: d\r\n");
    expect("GET", "HTTP/1.1 201 Created\r\n",
           "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nX-A: b\r\nX-C: d\r\n\r\n{}");
    planned = (struct response){.status = 200};
    expect("GET", "HTTP/1.1 200 OK\r\n", "Content-Length: 0\r\n\r\n");
    planned = (struct response){.status = 299, .body = SLICE_LIT("1")};
    expect("GET", "HTTP/1.1 299 \r\n", "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1");
}

TEST("204 and 304 have neither body nor length")
{
    planned = (struct response){.status = 204, .content_type = SLICE_LIT("text/plain"), .body = SLICE_LIT("no")};
    expect("GET", "HTTP/1.1 204 No Content\r\n", "\r\n");
    planned = (struct response){.status = 304, .headers = SLICE_LIT("ETag: \"a\"\r\n"), .body = SLICE_LIT("no")};
    expect("GET", "HTTP/1.1 304 Not Modified\r\n", "ETag: \"a\"\r\n\r\n");
}

TEST("HEAD tells the length of the body that it leaves out")
{
    planned = (struct response){.status = 200, .body = SLICE_LIT("{\"a\":1}")};
    expect("HEAD", "HTTP/1.1 200 OK\r\n", "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n");
}

TEST("a body of any size arrives whole")
{
    static const size_t sizes[] = {1, JOIN_BYTES_MAX, JOIN_BYTES_MAX + 1, GATHER_BYTES_MAX, GATHER_BYTES_MAX * 2, BIG_BYTES};
    char *bytes = malloc(BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        planned = (struct response){.status = 200, .body = {bytes, sizes[i]}};
        struct client *c = answer_of("GET", i % 2 == 0);
        const char *body = find(c->got.p, c->got.p + c->got.n, "\r\n\r\n") + 4;
        size_t head_n = (size_t)(body - c->got.p);
        UNTIL(c->got.n == head_n + sizes[i]);
        CHECK(memcmp(c->got.p + head_n, bytes, sizes[i]) == 0);
        net_close();
    }
    free(bytes);
}

TEST("an error carries the envelope, its details and its headers")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /error HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(HAS(c, "\r\n\r\n"));
    CHECK(HAS(c, "HTTP/1.1 409 Conflict\r\n") && HAS(c, "\r\nX-A: b\r\n"));
    CHECK(HAS(c, "\r\n\r\n{\"error\":{\"code\":\"conflict\",\"message\":\"it \\\"is\\\"\",\"details\":{\"a\":1}}}"));
    net_close();
}

TEST("in production answers say that the site is HTTPS only")
{
    net_open();
    net.server->opts.production = true;
    struct client *c = client_open();
    client_say(c, GET_HELLO);
    UNTIL(HAS(c, "\r\n\r\n"));
    CHECK(HAS(c, "\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n"));
    net_close();
}

TEST("a header that the handler says itself stands in for ours, whatever its case")
{
    planned = (struct response){.status = 204, .headers = SLICE_LIT("x-frame-options: SAMEORIGIN\r\nX-A: b\r\n")};
    struct client *c = answer_of("GET", false);
    CHECK(HAS(c, "\r\nx-frame-options: SAMEORIGIN\r\nX-A: b\r\n\r\n"));
    CHECK_INT(count_of(c, "X-Frame-Options"), 0);
    CHECK_INT(count_of(c, "\r\nReferrer-Policy: no-referrer\r\n"), 1);
    CHECK_INT(count_of(c, "\r\nDate: "), 1);
    net_close();
}
