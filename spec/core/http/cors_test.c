#include "core/http/cors.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

#define APP "Origin: http://localhost:3000\r\n"
#define OTHER "Origin: http://evil.example\r\n"
#define ALLOWED "\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\nAccess-Control-Allow-Credentials: true\r\n"
#define VARY "\r\nVary: Origin\r\n"

static const struct edges two = {.cors_origins = "http://localhost:3000\nhttps://app.example.com"};

static struct client *ask(const char *text)
{
    struct client *c = &net.clients[0];
    net.client_count = 0;
    client_drop(c);
    buf_free(&c->got);
    c->eof = c->reset = false;
    c = client_open();
    client_say(c, text);
    UNTIL(HAS(c, "\r\n\r\n"));
    return c;
}

static void open_with(const struct edges *edges)
{
    net_open();
    net.clients[0].fd = -1;
    server_set_edges(net.server, edges);
}

TEST("an origin is allowed when it is one of the list, byte by byte")
{
    static const char *const strangers[] = {"http://localhost:3001",
                                            "https://localhost:3000",
                                            "http://localhost:30000",
                                            "http://localhost:300",
                                            "null",
                                            "*",
                                            "HTTP://LOCALHOST:3000",
                                            "https://app.example.com.evil.example",
                                            "https://app.example.com/"};
    struct cors c;
    cors_init(&c, slice_str(two.cors_origins));
    CHECK_INT(c.n, 2);
    CHECK(cors_has(&c, SLICE_LIT("http://localhost:3000")) && cors_has(&c, SLICE_LIT("https://app.example.com")));
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        CHECK(!cors_has(&c, slice_str(strangers[i])));
    CHECK(!cors_has(&c, slice_of("", 0)));
    cors_deinit(&c);
    cors_init(&c, SLICE_LIT("null"));
    CHECK(cors_has(&c, SLICE_LIT("null")));
    cors_deinit(&c);
}

TEST("every answer to an allowed origin can be read by it, errors of all kinds too")
{
    static const struct {
        const char *text, *status;
    } all[] = {
        {"GET /hello HTTP/1.1\r\n" HOST APP "\r\n", "HTTP/1.1 200 "},
        {"GET /nobody HTTP/1.1\r\n" HOST APP "\r\n", "HTTP/1.1 404 "},
        {"DELETE /hello HTTP/1.1\r\n" HOST APP "\r\n", "HTTP/1.1 405 "},
        {"GET /error HTTP/1.1\r\n" HOST APP "\r\n", "HTTP/1.1 409 "},
        {"POST /small HTTP/1.1\r\n" HOST APP "Content-Length: 11\r\n\r\n01234567890", "HTTP/1.1 413 "},
        {"POST /json HTTP/1.1\r\n" HOST APP "Content-Length: 1\r\n\r\nx", "HTTP/1.1 415 "},
        {"POST /closed HTTP/1.1\r\n" HOST APP "Content-Length: 1\r\n\r\nx", "HTTP/1.1 401 "},
        {"POST /length HTTP/1.1\r\n" HOST APP "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" HOST APP "Bad Header: x\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n" APP "\r\n", "HTTP/1.1 400 "},
    };
    open_with(&two);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct client *c = ask(all[i].text);
        if (!HAS(c, all[i].status) || !HAS(c, ALLOWED) || !HAS(c, VARY))
            printf("  %s  %.*s\n", all[i].text, (int)c->got.n, c->got.p);
        CHECK(HAS(c, all[i].status) && count_of(c, ALLOWED) == 1 && count_of(c, VARY) == 1);
        CHECK(HAS(c, "\r\nAccess-Control-Expose-Headers: X-Request-ID, Location, Retry-After, RateLimit, RateLimit-Policy, "
                     "Idempotent-Replay\r\n"));
    }
    net_close();
}

TEST("a stranger, and who has no origin, hears nothing of it but that answers differ")
{
    open_with(&two);
    struct client *c = ask("GET /hello HTTP/1.1\r\n" HOST OTHER "\r\n");
    CHECK(HAS(c, "HTTP/1.1 200 ") && !HAS(c, "Access-Control-") && HAS(c, VARY));
    c = ask(GET_HELLO);
    CHECK(HAS(c, "HTTP/1.1 200 ") && !HAS(c, "Access-Control-") && HAS(c, VARY));
    c = ask("GET /hello HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n");
    CHECK(!HAS(c, "Access-Control-"));
    c = ask("GET /hello HTTP/1.1\r\n" HOST APP OTHER "\r\n");
    CHECK(HAS(c, "HTTP/1.1 400 "));
    net_close();
    open_with(&(struct edges){0});
    c = ask("GET /hello HTTP/1.1\r\n" HOST APP "\r\n");
    CHECK(HAS(c, "HTTP/1.1 200 ") && !HAS(c, "Access-Control-") && !HAS(c, "Vary"));
    net_close();
}

#define PREFLIGHT(path, method) "OPTIONS " path " HTTP/1.1\r\n" HOST APP "Access-Control-Request-Method: " method "\r\n"

TEST("a preflight is answered from the route table, before anybody asks who calls")
{
    open_with(&two);
    struct client *c =
        ask(PREFLIGHT("/closed", "POST") "Access-Control-Request-Headers: authorization, x-csrf-token\r\n\r\n");
    CHECK(HAS(c, "HTTP/1.1 204 ") && HAS(c, ALLOWED));
    CHECK(HAS(c, "\r\nAccess-Control-Allow-Methods: POST, OPTIONS\r\n"));
    CHECK(HAS(c, "\r\nAccess-Control-Allow-Headers: authorization, x-csrf-token\r\n"));
    CHECK(HAS(c, "\r\nAccess-Control-Max-Age: 600\r\n") && !HAS(c, "Content-Length"));
    CHECK(HAS(c, VARY) && HAS(c, "\r\nVary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n"));
    CHECK_INT(net.started, 0);
    c = ask(PREFLIGHT("/wait", "DELETE") "\r\n");
    CHECK(HAS(c, "\r\nAccess-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"));
    net_close();
}

TEST("a preflight for a path that is not there lets the page read the 404")
{
    open_with(&two);
    struct client *c = ask(PREFLIGHT("/nobody", "PATCH") "\r\n");
    CHECK(HAS(c, "HTTP/1.1 204 ") && HAS(c, "\r\nAccess-Control-Allow-Methods: PATCH, OPTIONS\r\n"));
    c = ask(PREFLIGHT("/nobody", "BREW") "\r\n");
    CHECK(HAS(c, "HTTP/1.1 204 ") && HAS(c, "\r\nAccess-Control-Allow-Methods: \r\n"));
    net_close();
}

TEST("what the browser asks for is repeated only when it is a list of names of a decent length")
{
    char text[4096];
    open_with(&two);
    struct client *c = ask(PREFLIGHT("/hello", "GET") "Access-Control-Request-Headers: a;b=<script>\r\n\r\n");
    CHECK(HAS(c, "HTTP/1.1 204 ") && !HAS(c, "Access-Control-Allow-Headers"));
    snprintf(text, sizeof text, PREFLIGHT("/hello", "GET") "Access-Control-Request-Headers: %01500d\r\n\r\n", 0);
    c = ask(text);
    CHECK(HAS(c, "HTTP/1.1 204 ") && !HAS(c, "Access-Control-Allow-Headers"));
    snprintf(text, sizeof text, PREFLIGHT("/hello", "GET") "Access-Control-Request-Headers: %01024d\r\n\r\n", 0);
    c = ask(text);
    CHECK(HAS(c, "\r\nAccess-Control-Allow-Headers: 000"));
    net_close();
}

TEST("an OPTIONS that is no preflight, or a stranger's, is the route table's")
{
    open_with(&two);
    struct client *c = ask("OPTIONS /hello HTTP/1.1\r\n" HOST OTHER "Access-Control-Request-Method: GET\r\n\r\n");
    CHECK(HAS(c, "HTTP/1.1 204 ") && HAS(c, "\r\nAllow: GET, HEAD, OPTIONS\r\n") && !HAS(c, "Access-Control-"));
    c = ask("OPTIONS /hello HTTP/1.1\r\n" HOST APP "\r\n");
    CHECK(HAS(c, "\r\nAllow: GET, HEAD, OPTIONS\r\n") && HAS(c, ALLOWED) && !HAS(c, "Access-Control-Allow-Methods"));
    net_close();
}
