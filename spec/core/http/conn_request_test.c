#include "core/http/conn_request.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

static struct client *ask(const char *text)
{
    struct client *c = client_open();
    client_say(c, text);
    UNTIL(HAS(c, "\r\n\r\n"));
    return c;
}

/* The answer's status, and whether the connection is closed after it. */
static void expect(const char *text, const char *status, bool closes)
{
    struct client *c = &net.clients[0];
    net.client_count = 0;
    buf_free(&c->got);
    c->eof = c->reset = false;
    c = ask(text);
    if (!HAS(c, status))
        printf("  %s\n  %.*s\n", text, (int)c->got.n, c->got.p);
    CHECK_INT(count_of(c, status), 1);
    CHECK_INT(count_of(c, "\r\nX-Request-ID: "), 1);
    CHECK_INT(count_of(c, "\r\nX-Content-Type-Options: nosniff\r\n"), 1);
    CHECK_INT(HAS(c, "\r\nConnection: close\r\n"), closes);
    if (closes)
        UNTIL(c->eof);
    turns(3);
    CHECK(c->eof == closes && !c->reset);
    client_drop(c);
}

TEST("each fault of a head has its answer")
{
    net_open();
    expect("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request", true);
    expect("GET / HTTP/1.1\n\n", "HTTP/1.1 400 ", true);
    expect("GET / HTTP/2.0\r\n" HOST "\r\n", "HTTP/1.1 505 ", true);
    expect("BREW / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 501 ", true);
    expect("POST /length HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501 ", true);
    expect("POST /length HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 417 ", true);
    char *text = malloc(40000);
    sprintf(text, "GET /%09000d HTTP/1.1\r\n" HOST "\r\n", 0);
    expect(text, "HTTP/1.1 414 ", true);
    sprintf(text, "GET / HTTP/1.1\r\n" HOST "A: %030000d\r\n\r\n", 0);
    expect(text, "HTTP/1.1 431 ", true);
    size_t n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++)
        n += (size_t)sprintf(text + n, "A: b\r\n");
    strcpy(text + n, "\r\n");
    expect(text, "HTTP/1.1 431 ", true);
    free(text);
    net_close();
}

TEST("404, 405 with Allow, and OPTIONS come from the route table and keep the connection")
{
    net_open();
    expect("GET /nobody HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ", false);
    CHECK(HAS(&net.clients[0], "{\"error\":{\"code\":\"not_found\",\"message\":"));
    expect("PUT /wait HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi", "HTTP/1.1 405 ", false);
    CHECK(HAS(&net.clients[0], "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"));
    expect("OPTIONS /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n", false);
    CHECK(HAS(&net.clients[0], "\r\nAllow: GET, HEAD, OPTIONS\r\n") && !HAS(&net.clients[0], "Content-Length"));
    expect("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n", false);
    CHECK(HAS(&net.clients[0], "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"));
    expect("OPTIONS /nobody HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ", false);
    CHECK_INT(net.started, 0);
    net_close();
}

TEST("HEAD is the GET without its body")
{
    net_open();
    expect("HEAD /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK", false);
    CHECK(HAS(&net.clients[0], "\r\nContent-Length: 7\r\n") && !HAS(&net.clients[0], "\"hello\""));
    expect("HEAD /nobody HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ", false);
    CHECK(!HAS(&net.clients[0], "error"));
    expect("HEAD /big HTTP/1.1\r\n" HOST "\r\n", "\r\nContent-Length: 25165824\r\n", false);
    net_close();
}

TEST("a body over the route's limit is refused at its head, and the client can read that while it sends on")
{
    net_open();
    struct client *c = client_open();
    char *body = malloc(10 << 20);
    memset(body, 'x', 10 << 20);
    client_say(c, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 10485760\r\n\r\n");
    client_send(c, body, 10 << 20);
    UNTIL(c->eof);
    CHECK(!c->reset && HAS(c, "HTTP/1.1 413 ") && HAS(c, "\"code\":\"payload_too_large\""));
    CHECK_INT(net.started, 0);
    free(body);
    net_close();
}

TEST("the limit of a body is the route's, for chunks too")
{
    net_open();
    expect("POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789", "HTTP/1.1 200 ", false);
    expect("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n0123456789a", "HTTP/1.1 413 ", false);
    expect("POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n", "HTTP/1.1 413 ", true);
    expect("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", "HTTP/1.1 200 ",
           false);
    expect("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\n", "HTTP/1.1 413 ",
           true);
    expect("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n", "HTTP/1.1 400 ", true);
    expect("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "HTTP/1.1 400 ", true);
    CHECK_INT(net.started, 2);
    net_close();
}

TEST("a stranger hears so before the body is read, and before anything is said about it")
{
    net_open();
    expect("POST /closed HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 401 ", false);
    expect("POST /closed HTTP/1.1\r\n" HOST "Content-Length: 500\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 401 ", true);
    CHECK(!HAS(&net.clients[net.client_count - 1], "100 Continue"));
    expect("POST /closed HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\na\r\n01234", "HTTP/1.1 401 ", true);
    expect("POST /closed HTTP/1.1\r\n" HOST "Content-Length: 5000\r\n\r\n", "HTTP/1.1 401 ", true);
    CHECK_INT(net.started, 0);
    net_close();
}

TEST("a stranger's upload is thrown away, and its answer can be read while it comes")
{
    net_open();
    struct client *c = client_open();
    char *body = malloc(10 << 20);
    memset(body, 'x', 10 << 20);
    client_say(c, "POST /closed HTTP/1.1\r\n" HOST "Content-Length: 10485760\r\n\r\n");
    client_send(c, body, 10 << 20);
    UNTIL(c->eof);
    CHECK(!c->reset && HAS(c, "HTTP/1.1 401 ") && HAS(c, "\r\nConnection: close\r\n"));
    CHECK(!HAS(c, "HTTP/1.1 413 "));
    CHECK_INT(net.started, 0);
    free(body);
    net_close();
}

TEST("a JSON route takes JSON only, when there is a body")
{
    static const char *const taken[] = {"application/json", "Application/JSON; charset=utf-8",
                                        "application/merge-patch+json", "application/json ;a=b"};
    static const char *const refused[] = {"text/plain", "application/jsonx", "application/+json", "text/x+json", "json", ""};
    char text[256];
    net_open();
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        sprintf(text, "POST /json HTTP/1.1\r\n" HOST "Content-Type: %s\r\nContent-Length: 2\r\n\r\n{}", taken[i]);
        expect(text, "HTTP/1.1 200 ", false);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        sprintf(text, "POST /json HTTP/1.1\r\n" HOST "Content-Type: %s\r\nContent-Length: 2\r\n\r\n{}", refused[i]);
        expect(text, "HTTP/1.1 415 ", false);
    }
    expect("POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 415 ", false);
    expect("POST /json HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HTTP/1.1 200 ", false);
    expect("POST /json HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ", false);
    net_close();
}

TEST("100 Continue is said when the body will be read, and not when it will not")
{
    net_open();
    struct client *c = ask("POST /length HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    CHECK_STR(c->got.p, c->got.n, "HTTP/1.1 100 Continue\r\n\r\n");
    client_say(c, "hello");
    UNTIL(HAS(c, "HTTP/1.1 200 OK"));
    net.client_count = 2;
    client_drop(c);

    c = ask("POST /small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 500\r\n\r\n");
    CHECK(HAS(c, "HTTP/1.1 413 ") && !HAS(c, " 100 "));
    c = ask("POST /nobody HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 500\r\n\r\n");
    CHECK(HAS(c, "HTTP/1.1 404 ") && !HAS(c, " 100 ") && HAS(c, "Connection: close"));
    c = ask("POST /length HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(HAS(c, "HTTP/1.1 200 ") && !HAS(c, " 100 "));
    net_close();
}

TEST("a request keeps the id that it brings, when that is one")
{
    net_open();
    expect("GET /hello HTTP/1.1\r\n" HOST "X-Request-ID: aZ09._-\r\n\r\n", "X-Request-ID: aZ09._-\r\n", false);
    expect("GET /nobody HTTP/1.1\r\n" HOST "X-Request-ID: abc\r\n\r\n", "X-Request-ID: abc\r\n", false);
    char text[400];
    sprintf(text, "GET /hello HTTP/1.1\r\n" HOST "X-Request-ID: %0128d\r\n\r\n", 1);
    expect(text, "0001\r\nContent-Type", false);
    sprintf(text, "GET /hello HTTP/1.1\r\n" HOST "X-Request-ID: %0129d\r\n\r\n", 1);
    expect(text, "HTTP/1.1 200", false);
    CHECK(!HAS(&net.clients[0], "0001\r\n"));
    expect("GET /hello HTTP/1.1\r\n" HOST "X-Request-ID: a b\r\n\r\n", "HTTP/1.1 200", false);
    CHECK(!HAS(&net.clients[0], "a b"));
    net_close();
}

TEST("what start() leaves unanswered is copied out of the shared buffer")
{
    net_open();
    struct client *a = client_open(), *b = client_open();
    client_say(a, "POST /wait?q=1 HTTP/1.1\r\n" HOST "X-A: first\r\nContent-Length: 5\r\n\r\nhello");
    UNTIL(net.waiting_count == 1);
    client_say(b,
               "POST /length HTTP/1.1\r\n" HOST "X-A: second, and longer than the other\r\nContent-Length: 5\r\n\r\nHELLO");
    UNTIL(HAS(b, "200 OK"));
    struct request *req = net.waiting[0];
    CHECK(slice_eq(req->body, SLICE_LIT("hello")) && slice_eq(request_query(req), SLICE_LIT("q=1")));
    CHECK(slice_eq(request_header_named(req, SLICE_LIT("x-a")), SLICE_LIT("first")));
    CHECK(slice_eq(request_header_named(req, SLICE_LIT("x-b")), SLICE_LIT("")));
    answer_waiting(0);
    UNTIL(HAS(a, "\"late\""));
    net_close();
}
