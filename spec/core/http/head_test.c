#include "core/http/head.c"
#include "spec/core/test.h"

#include <stdlib.h>

static struct head head;
static const char *why;

/* A copy of exactly its length, so that a sanitizer sees every byte too far. */
static enum head_status scan_bytes(const char *p, size_t n, size_t *scanned, const struct limits *limits)
{
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, p, n);
    why = NULL;
    enum head_status status = head_scan(&head, copy, n, scanned, limits, &why);
    free(copy);
    return status;
}

static enum head_status scan_with(const char *p, size_t n, const struct limits *limits)
{
    size_t scanned = 0;
    return scan_bytes(p, n, &scanned, limits);
}

static enum head_status scan_text(const char *text)
{
    return scan_with(text, strlen(text), &limits_default);
}

/* As the network may deliver it: a byte at a time. */
static enum head_status scan_slowly(const char *p, size_t n)
{
    size_t scanned = 0;
    enum head_status status = HEAD_PARTIAL;
    for (size_t have = 1; have <= n && status == HEAD_PARTIAL; have++)
        status = scan_bytes(p, have, &scanned, &limits_default);
    return status;
}

static bool span_is(const char *base, struct span s, const char *want)
{
    return slice_eq(span_slice(base, s), slice_str(want));
}

static void expect(const char *text, size_t n, enum head_status want)
{
    enum head_status got = scan_with(text, n, &limits_default);
    if (got != want)
        printf("  %.*s\n", (int)n, text);
    CHECK_INT(got, want);
    CHECK((why != NULL) == (want != HEAD_OK && want != HEAD_PARTIAL));
    got = scan_slowly(text, n);
    if (got != want)
        printf("  byte by byte: %.*s\n", (int)n, text);
    CHECK_INT(got, want);
}

/* lit may hold NUL bytes. */
#define EXPECT(lit, want) expect((lit), sizeof(lit) - 1, (want))
#define H "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n"

TEST("a head is split into method, target, path, query and headers")
{
    static const char whole[] =
        "POST /a/b%20c?x=1&y=? HTTP/1.1\r\nHost: a.example:80\r\ncontent-TYPE:\t application/json \t\r\n"
        "X-Empty:\r\nContent-Length: 5\r\n\r\nhello";
    CHECK_INT(scan_text(whole), HEAD_OK);
    CHECK_INT(head.method, METHOD_POST);
    CHECK(span_is(whole, head.target, "/a/b%20c?x=1&y=?"));
    CHECK(span_is(whole, head.path, "/a/b%20c"));
    CHECK(span_is(whole, head.query, "x=1&y=?"));
    CHECK_INT(head.header_count, 4);
    CHECK(span_is(whole, head.headers[1].name, "content-TYPE"));
    CHECK(span_is(whole, head.headers[1].value, "application/json"));
    CHECK_INT(head.headers[1].id, HEADER_CONTENT_TYPE);
    CHECK_INT(head.known[HEADER_CONTENT_TYPE], 2);
    CHECK(span_is(whole, head.headers[2].value, ""));
    CHECK_INT(head.known[HEADER_COOKIE], 0);
    CHECK(head.has_length && head.content_length == 5);
    CHECK(head.keep_alive && !head.http10 && !head.chunked && !head.expect_continue);
    CHECK_INT(head.bytes, sizeof whole - 1 - 5);
}

TEST("every method of ours is known, the others answer 501")
{
    for (enum http_method m = 0; m < METHOD_COUNT; m++) {
        char text[64];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\n" H "\r\n", http_method_names[m].p);
        CHECK_INT(scan_text(text), HEAD_OK);
        CHECK_INT(head.method, m);
    }
    EXPECT("BREW / HTTP/1.1\r\n" H "\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("get / HTTP/1.1\r\n" H "\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("TRACE / HTTP/1.1\r\n" H "\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("CONNECT a:1 HTTP/1.1\r\n" H "\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("SOURCE / ICE/1.0\r\n\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("DESCRIBE / RTSP/1.0\r\n\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("GETX / HTTP/1.1\r\n" H "\r\n", HEAD_METHOD_UNKNOWN);
    EXPECT("G(T / HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT(" GET / HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("\x16\x03\x01\x02\r\n\r\n", HEAD_BAD);
}

TEST("one empty line before a request is skipped, two are not")
{
    EXPECT("\r\n" GET H "\r\n", HEAD_OK);
    CHECK_INT(scan_text("\r\n" GET H "\r\n"), HEAD_OK);
    CHECK_INT(head.bytes, strlen("\r\n" GET H "\r\n"));
    EXPECT("\r\n\r\n" GET H "\r\n", HEAD_BAD);
    EXPECT("\n" GET H "\r\n", HEAD_BAD);
    EXPECT("\r" GET H "\r\n", HEAD_BAD);
}

TEST("a bare LF or a bare CR is refused wherever it stands")
{
    EXPECT("GET / HTTP/1.1\n" H "\r\n", HEAD_BAD);
    EXPECT(GET "Host: a.example\n\r\n", HEAD_BAD);
    EXPECT(GET H "\n", HEAD_BAD);
    EXPECT(GET H "A: b\nC: d\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\rC: d\r\n\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.1\r" H "\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\r\r\n\r\n", HEAD_BAD);
}

TEST("the request line is three words with one blank between them")
{
    EXPECT("GET  / HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /  HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET\t/ HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\tHTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.1 \r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.1\t\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET\r\n\r\n", HEAD_BAD);
    EXPECT("\0GET / HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
}

TEST("a version is there, is well-formed and is 1.x")
{
    EXPECT("GET /\r\n\r\n", HEAD_BAD);
    EXPECT("GET / \r\n\r\n", HEAD_BAD);
    EXPECT("GET / HTTP\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.10\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/11.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1,1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / http/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / ICE/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/0.9\r\n" H "\r\n", HEAD_VERSION);
    EXPECT("GET / HTTP/2.0\r\n" H "\r\n", HEAD_VERSION);
    EXPECT("GET / HTTP/3.0\r\n" H "\r\n", HEAD_VERSION);
    EXPECT("GET / HTTP/1.2\r\n" H "\r\n", HEAD_OK);
    CHECK(!head.http10);
    EXPECT("GET / HTTP/1.0\r\n\r\n", HEAD_OK);
    CHECK(head.http10);
}

TEST("a target holds nothing that must be escaped")
{
    EXPECT("GET /a#b HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a%zz HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a%2 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a% HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a?b=%g0 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a%00 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a?b=%00 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\"a\" HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /<a> HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a\\b HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\x01 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\x7f HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\0 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET /a%2Fb%c3%A9?x[]={|}^`'%01 HTTP/1.1\r\n" H "\r\n", HEAD_OK);
}

TEST("a target starts with a slash, or is * for OPTIONS, or is a whole URL")
{
    EXPECT("GET a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET ?a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET * HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("OPTIONS * HTTP/1.1\r\n" H "\r\n", HEAD_OK);
    EXPECT("OPTIONS ** HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET a.example:80 HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET http: HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET http:// HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET http:///a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET http://u@b/a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET http://b:x/a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
    EXPECT("GET ftp://b/a HTTP/1.1\r\n" H "\r\n", HEAD_BAD);
}

TEST("of a whole URL the path counts, and its host replaces the header's")
{
    static const char text[] = "GET HTTP://b.example:81/p?q=/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    CHECK_INT(scan_text(text), HEAD_OK);
    CHECK(span_is(text, head.path, "/p") && span_is(text, head.query, "q=/"));
    CHECK(span_is(text, head.headers[0].value, "b.example:81"));
    static const char bare[] = "GET https://b.example?q=1 HTTP/1.1\r\nHost: b.example\r\n\r\n";
    CHECK_INT(scan_text(bare), HEAD_OK);
    CHECK(span_is(bare, head.path, "/") && span_is(bare, head.query, "q=1"));
}

TEST("HTTP/1.1 has exactly one well-formed Host, HTTP/1.0 at most one")
{
    EXPECT(GET "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H H "\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.0\r\n" H H "\r\n", HEAD_BAD);
    static const char *const refused[] = {"",   "a b", "a,b",    "a/b", "a@b", "a:b", "a:1:2", "a:99999", "a:123456", "[::1",
                                          "[]", "[g]", "[::1]x", "::1", ":80", "a?b", "a%zz",  "\"a\"",   "a\xc3"};
    static const char *const taken[] = {"a",     "a.example", "a:80",   "a:", "127.0.0.1:8000",
                                        "[::1]", "[::1]:80",  "a_b-c~", "%61"};
    char text[128];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, GET "Host: %s\r\n\r\n", refused[i]);
        expect(text, strlen(text), HEAD_BAD);
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        snprintf(text, sizeof text, GET "Host: %s\r\n\r\n", taken[i]);
        expect(text, strlen(text), HEAD_OK);
    }
}

TEST("a header line is a token, a colon and a value without controls")
{
    EXPECT(GET H ": b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A : b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A\t: b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A b: c\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "(A): c\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "\xc3\xa9: c\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\0c\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\x01\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: 0123456789\x7f\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A\0: b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\tc\xc3\xa9:d\r\n\r\n", HEAD_OK);
}

TEST("a folded line is refused, on the lengths too")
{
    EXPECT(GET H "A: b\r\n c\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "A: b\r\n\tc\r\n\r\n", HEAD_BAD);
    EXPECT(GET " " H "\r\n", HEAD_BAD);
    EXPECT(GET H "Content-Length:\r\n 5\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding:\r\n chunked\r\n\r\n", HEAD_BAD);
}

TEST("Content-Length is one number of digits")
{
    static const char *const refused[] = {"", "+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5.0", "five", "9999999999999999999"};
    char text[128];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, GET H "Content-Length: %s\r\n\r\n", refused[i]);
        expect(text, strlen(text), HEAD_BAD);
    }
    EXPECT(GET H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Content-Length: 007\r\n\r\n", HEAD_OK);
    CHECK(head.content_length == 7);
}

TEST("Transfer-Encoding is chunked alone, in HTTP/1.1, without a length")
{
    EXPECT(GET H "Transfer-Encoding: chunked\r\n\r\n", HEAD_OK);
    CHECK(head.chunked && !head.has_length);
    EXPECT(GET H "Transfer-Encoding: Chunked\r\n\r\n", HEAD_OK);
    EXPECT(GET H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding:\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", HEAD_BAD);
    EXPECT("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Transfer-Encoding: gzip, chunked\r\n\r\n", HEAD_CODING);
    EXPECT(GET H "Transfer-Encoding: chunked, chunked\r\n\r\n", HEAD_CODING);
    EXPECT(GET H "Transfer-Encoding: xchunked\r\n\r\n", HEAD_CODING);
    EXPECT(GET H "Transfer-Encoding: chunked;a=b\r\n\r\n", HEAD_CODING);
    EXPECT(GET H "Transfer-Encoding: identity\r\n\r\n", HEAD_CODING);
    EXPECT(GET H "Transfer-Encoding: \x0b"
                 "chunked\r\n\r\n",
           HEAD_BAD);
    EXPECT(GET H "Transfer_Encoding: gzip\r\n\r\n", HEAD_OK);
    CHECK(!head.chunked);
}

TEST("what may come once comes once")
{
    EXPECT(GET H "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Authorization: a\r\nAuthorization: b\r\n\r\n", HEAD_BAD);
    EXPECT(GET H "Accept: a\r\nAccept: b\r\n\r\n", HEAD_OK);
}

TEST("Connection and the version decide whether the connection is kept")
{
    static const struct {
        const char *version, *connection;
        bool kept;
    } cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: CLOSE\r\n", false},
        {"1.1", "Connection: keep-alive, close\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.1", "Connection: close\r\nConnection: keep-alive\r\n", false},
        {"1.1", "Connection: closed, upgrade\r\n", true},
        {"1.1", "Connection: ,, ,close,\r\n", false},
        {"1.0", "", false},
        {"1.0", "Connection: keep-alive\r\n", true},
        {"1.0", "Connection: Keep-Alive , x\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
    };
    char text[160];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "GET / HTTP/%s\r\n" H "%s\r\n", cases[i].version, cases[i].connection);
        CHECK_INT(scan_text(text), HEAD_OK);
        CHECK_INT(head.keep_alive, cases[i].kept);
    }
}

TEST("the only expectation is 100-continue, and HTTP/1.0 has none")
{
    EXPECT(GET H "Expect: 100-Continue\r\n\r\n", HEAD_OK);
    CHECK(head.expect_continue);
    EXPECT(GET H "Expect: 200-ok\r\n\r\n", HEAD_EXPECTATION);
    EXPECT(GET H "Expect:\r\n\r\n", HEAD_EXPECTATION);
    EXPECT("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", HEAD_OK);
    CHECK(!head.expect_continue);
}

TEST("a head of the largest size is taken and a byte more is not")
{
    struct limits limits = limits_default;
    char text[256];
    int n = snprintf(text, sizeof text, GET H "A: %s\r\n\r\n", "0123456789012345678901234567890123456789");
    limits.head_bytes_max = (size_t)n;
    CHECK_INT(scan_with(text, (size_t)n, &limits), HEAD_OK);
    CHECK_INT(scan_with(text, (size_t)n - 1, &limits), HEAD_PARTIAL);
    limits.head_bytes_max = (size_t)n - 1;
    CHECK_INT(scan_with(text, (size_t)n, &limits), HEAD_TOO_LARGE);
    CHECK_INT(scan_with(text, (size_t)n - 1, &limits), HEAD_TOO_LARGE);
    limits.head_bytes_max = 8; /* ends within the target */
    CHECK_INT(scan_with(text, 8, &limits), HEAD_TOO_LARGE);
}

TEST("headers are counted")
{
    struct limits limits = limits_default;
    limits.headers_max = 2;
    CHECK_INT(scan_with(GET H "A: b\r\n\r\n", strlen(GET H "A: b\r\n\r\n"), &limits), HEAD_OK);
    CHECK_INT(scan_with(GET H "A: b\r\nA: b\r\n\r\n", strlen(GET H "A: b\r\nA: b\r\n\r\n"), &limits), HEAD_TOO_LARGE);
    limits.headers_max = 100000; /* the struct has its own ceiling */
    static char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text, GET H);
    for (int i = 0; i < HEAD_HEADERS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "A: b\r\n");
    n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
    CHECK_INT(scan_with(text, n, &limits), HEAD_TOO_LARGE);
}

TEST("a long target answers 414, also when it never ends")
{
    static char text[20000];
    struct limits limits = limits_default;
    size_t n = (size_t)snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" H "\r\n", (int)limits.target_bytes_max - 1, 0);
    CHECK_INT(scan_with(text, n, &limits), HEAD_OK);
    n = (size_t)snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" H "\r\n", (int)limits.target_bytes_max, 0);
    CHECK_INT(scan_with(text, n, &limits), HEAD_TARGET_TOO_LONG);
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    CHECK_INT(scan_with(text, limits.target_bytes_max + 6, &limits), HEAD_TARGET_TOO_LONG);
    CHECK_INT(scan_with(text, 100, &limits), HEAD_PARTIAL);
    limits.target_bytes_max = limits.head_bytes_max;
    CHECK_INT(scan_with(text, limits.head_bytes_max, &limits), HEAD_TARGET_TOO_LONG);
}

TEST("a head that is not whole is partial, whatever its length")
{
    static const char text[] = "\r\nPUT /a%20b?c HTTP/1.1\r\n" H "Content-Length: 0\r\nConnection: close\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++)
        CHECK_INT(scan_with(text, n, &limits_default), HEAD_PARTIAL);
    CHECK_INT(scan_with(text, sizeof text - 1, &limits_default), HEAD_OK);
}

TEST("what a head left in the struct does not reach the next one")
{
    CHECK_INT(scan_text(GET H "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"), HEAD_OK);
    CHECK_INT(scan_text(GET H "\r\n"), HEAD_OK);
    CHECK(!head.chunked && !head.expect_continue && head.keep_alive && !head.has_length && head.header_count == 1);
    CHECK_INT(head.known[HEADER_TRANSFER_ENCODING], 0);
}
