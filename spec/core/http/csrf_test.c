#include "core/http/csrf.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define COOKIE "Cookie: access_token=a; csrf_token=" TOKEN "\r\n"
#define REPEATED COOKIE "X-CSRF-Token: " TOKEN "\r\n"
#define OURS "Sec-Fetch-Site: same-origin\r\n"

enum { NO_FAULT, FOREIGN, NOT_REPEATED };

static int name_of(const char *fault)
{
    return fault == NULL ? NO_FAULT : fault == foreign ? FOREIGN : NOT_REPEATED;
}

static const struct edges listed = {.cors_origins = "https://app.example.com", .trusted_proxies = "127.0.0.1"};

/* What is said of a POST to api.example.com with these lines. */
static int fault_of(const char *lines, bool guest)
{
    char text[4096];
    int fault;
    net_open();
    server_set_edges(net.server, &listed);
    snprintf(text, sizeof text, "POST /wait HTTP/1.1\r\nHost: api.example.com:8443\r\n%s\r\n", lines);
    client_say(client_open(), text);
    UNTIL(net.waiting_count == 1);
    fault = name_of(guest ? csrf_fault_of_guest(net.waiting[0]) : csrf_fault(net.waiting[0]));
    answer_waiting(0);
    net_close();
    return fault;
}
#define FAULT(lines, want) CHECK_INT(fault_of((lines), false), (want))
#define GUEST(lines, want) CHECK_INT(fault_of((lines), true), (want))

TEST("a page of ours, or one that may call us, is believed when it repeats the cookie")
{
    FAULT(OURS REPEATED, NO_FAULT);
    FAULT("Origin: https://app.example.com\r\n" REPEATED, NO_FAULT);
    FAULT("Origin: https://app.example.com\r\nSec-Fetch-Site: same-site\r\n" REPEATED, NO_FAULT);
    FAULT("Origin: https://api.example.com:8443\r\n" REPEATED, NO_FAULT);
    FAULT("Origin: http://API.example.com:8443\r\n" REPEATED, NO_FAULT);
}

TEST("a page of another site is not, whatever it repeats")
{
    FAULT("Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n" REPEATED, FOREIGN);
    FAULT("Origin: https://app.example.com.evil.example\r\n" REPEATED, FOREIGN);
    FAULT("Origin: https://api.example.com\r\n" REPEATED, FOREIGN); /* another port is another origin */
    FAULT("Origin: null\r\n" REPEATED, FOREIGN);
    FAULT("Sec-Fetch-Site: same-site\r\n" REPEATED, FOREIGN);
    FAULT("Sec-Fetch-Site: none\r\n" REPEATED, FOREIGN);
    FAULT(REPEATED, FOREIGN);
    FAULT("Referer: https://app.example.com/\r\n" REPEATED, FOREIGN);
}

TEST("the scheme counts where a proxy tells it")
{
    FAULT("X-Forwarded-Proto: https\r\nOrigin: https://api.example.com:8443\r\n" REPEATED, NO_FAULT);
    FAULT("X-Forwarded-Proto: https\r\nOrigin: http://api.example.com:8443\r\n" REPEATED, FOREIGN);
    FAULT("X-Forwarded-Proto: http\r\nOrigin: https://api.example.com:8443\r\n" REPEATED, FOREIGN);
}

TEST("the header repeats the cookie, exactly, and there is one cookie")
{
    FAULT(OURS COOKIE, NOT_REPEATED);
    FAULT(OURS COOKIE "X-CSRF-Token: 0123456789abcdef0123456789abcdeF\r\n", NOT_REPEATED);
    FAULT(OURS COOKIE "X-CSRF-Token: 0123456789abcdef\r\n", NOT_REPEATED);
    FAULT(OURS "X-CSRF-Token: " TOKEN "\r\n", NOT_REPEATED);
    FAULT(OURS "Cookie: csrf_token=\r\nX-CSRF-Token: \r\n", NOT_REPEATED);
    FAULT(OURS "Cookie: csrf_token=abc\r\nX-CSRF-Token: abc\r\n", NOT_REPEATED);
    FAULT(OURS "Cookie: xcsrf_token=" TOKEN "\r\nX-CSRF-Token: " TOKEN "\r\n", NOT_REPEATED);
    FAULT(OURS "Cookie: csrf_token=0000000000000000\r\n" REPEATED, NOT_REPEATED);
    FAULT(OURS "Cookie: a=b\r\n" REPEATED, NO_FAULT);
    FAULT(OURS "X-CSRF-Token: " TOKEN "\r\nCookie: a=b;csrf_token=" TOKEN "\r\n", NO_FAULT);
}

TEST("the same port without being written is the same origin")
{
    struct slice https = SLICE_LIT(":443");
    CHECK(slice_eq(without_port(SLICE_LIT("a.example:443"), https), SLICE_LIT("a.example")));
    CHECK(slice_eq(without_port(SLICE_LIT("a.example:8443"), https), SLICE_LIT("a.example:8443")));
    CHECK(slice_eq(without_port(SLICE_LIT("a.example"), https), SLICE_LIT("a.example")));
}

TEST("a guest without cookies has nothing to misuse; one with them is looked at")
{
    GUEST("", NO_FAULT);
    GUEST("Origin: https://evil.example\r\n", NO_FAULT);
    GUEST("Cookie: theme=dark\r\n", NO_FAULT);
    GUEST("Cookie: refresh_token=r\r\n", FOREIGN);
    GUEST("Origin: https://evil.example\r\nCookie: refresh_token=r\r\n", FOREIGN);
    GUEST(OURS "Cookie: refresh_token=r\r\n", NO_FAULT);
    GUEST(OURS "Cookie: refresh_token=r; csrf_token=" TOKEN "\r\n", NOT_REPEATED);
    GUEST(OURS REPEATED, NO_FAULT);
}

TEST("what only reads cannot be forged")
{
    struct request req = {.base = NULL};
    static const bool concerns[METHOD_COUNT] = {
        [METHOD_POST] = true, [METHOD_PUT] = true, [METHOD_PATCH] = true, [METHOD_DELETE] = true};
    for (enum http_method m = 0; m < METHOD_COUNT; m++) {
        req.head.method = m;
        CHECK_INT(csrf_concerns(&req), concerns[m]);
    }
}
