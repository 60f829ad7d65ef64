#include "core/http/forwarded.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

/* Whom the server takes the client for, whose connection comes from 127.0.0.1 and whose head has these lines. */
static const char *ip_with(const char *proxies, bool standard, const char *lines, enum request_scheme *scheme)
{
    static char out[ADDRESS_TEXT_MAX];
    char text[8192];
    net_open();
    server_set_edges(net.server, &(struct edges){.trusted_proxies = proxies, .forwarded = standard});
    snprintf(text, sizeof text, "GET /wait HTTP/1.1\r\n" HOST "%s\r\n", lines);
    client_say(client_open(), text);
    UNTIL(net.waiting_count == 1);
    address_write(request_address(net.waiting[0]), out);
    if (scheme != NULL)
        *scheme = request_scheme(net.waiting[0]);
    answer_waiting(0);
    net_close();
    return out;
}

#define IP(proxies, lines, want)                                    \
    do {                                                            \
        const char *got = ip_with((proxies), false, (lines), NULL); \
        CHECK_STR(got, strlen(got), (want));                        \
    } while (0)
#define STANDARD(lines, want)                                                    \
    do {                                                                         \
        const char *got = ip_with("127.0.0.1\n10.0.0.0/8", true, (lines), NULL); \
        CHECK_STR(got, strlen(got), (want));                                     \
    } while (0)
#define PROXIES "127.0.0.1\n10.0.0.0/8"

TEST("who is not trusted has no say")
{
    IP("", "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1");
    IP("10.0.0.0/8", "X-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.8\r\n", "127.0.0.1");
    IP(PROXIES, "", "127.0.0.1");
}

TEST("the client is the last one whom no trusted proxy is")
{
    IP(PROXIES, "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7");
    IP(PROXIES, "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n", "203.0.113.7");
    IP(PROXIES, "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.1.2.3\r\n", "203.0.113.7");
    IP(PROXIES, "X-Forwarded-For: 198.51.100.1\r\nX-A: b\r\nx-forwarded-for: 203.0.113.7,10.1.2.3 , 10.1.2.4\r\n",
       "203.0.113.7");
    IP(PROXIES, "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 10.1.2.3\r\n", "203.0.113.7");
    IP(PROXIES, "X-Forwarded-For: 10.9.9.9, 10.1.2.3\r\n", "10.9.9.9");
    IP(PROXIES, "X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7");
    IP(PROXIES, "X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7");
}

TEST("what cannot be read ends the list at the one who wrote it")
{
    IP(PROXIES, "X-Forwarded-For: 203.0.113.7, unknown, 10.1.2.3\r\n", "10.1.2.3");
    IP(PROXIES, "X-Forwarded-For: 203.0.113.7,\r\n", "127.0.0.1");
    IP(PROXIES, "X-Forwarded-For: \r\n", "127.0.0.1");
    IP(PROXIES, "Forwarded: for=203.0.113.7\r\n", "127.0.0.1"); /* not the header that counts here */
}

TEST("a list without an end is looked at for a while")
{
    char text[4096] = "X-Forwarded-For: 203.0.113.7";
    for (int i = 0; i < 200; i++)
        strcat(text, ",10.0.0.1");
    strcat(text, "\r\n");
    IP(PROXIES, text, "10.0.0.1");
}

TEST("Forwarded is read where it is the header of the proxies, and then X-Forwarded-For is not")
{
    STANDARD("Forwarded: for=203.0.113.7\r\n", "203.0.113.7");
    STANDARD("Forwarded: for=198.51.100.1, For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1\r\n", "2001:db8::7");
    STANDARD("Forwarded: proto=https; for=\"203.0.113.7:80\", for=10.1.1.1\r\n", "203.0.113.7");
    STANDARD("Forwarded: for=203.0.113.7, for=_hidden\r\n", "127.0.0.1");
    STANDARD("Forwarded: by=203.0.113.7\r\n", "127.0.0.1");
    STANDARD("X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1");
}

TEST("what is in quotes is one value, and a quote without an end is no list")
{
    STANDARD("Forwarded: for=203.0.113.7;host=\"a, for=198.51.100.1;b\"\r\n", "203.0.113.7");
    STANDARD("Forwarded: host=\"a;for=198.51.100.1\";for=203.0.113.7\r\n", "203.0.113.7");
    STANDARD("Forwarded: host=\"a\\\", for=198.51.100.1\";for=203.0.113.7\r\n", "203.0.113.7");
    STANDARD("Forwarded: for=198.51.100.1\r\nForwarded: for=\", for=203.0.113.7\r\n", "127.0.0.1");
    IP(PROXIES, "X-Forwarded-For: \", 203.0.113.7\r\n", "203.0.113.7");
}

static enum request_scheme scheme_with(const char *proxies, bool standard, const char *lines)
{
    enum request_scheme scheme;
    (void)ip_with(proxies, standard, lines, &scheme);
    return scheme;
}

TEST("the scheme is what a trusted proxy says")
{
    CHECK_INT(scheme_with("", false, "X-Forwarded-Proto: https\r\n"), SCHEME_UNKNOWN);
    CHECK_INT(scheme_with("10.0.0.0/8", false, "X-Forwarded-Proto: https\r\n"), SCHEME_UNKNOWN);
    CHECK_INT(scheme_with(PROXIES, false, "X-Forwarded-Proto: https\r\n"), SCHEME_HTTPS);
    CHECK_INT(scheme_with(PROXIES, false, "X-Forwarded-Proto: https, http\r\n"), SCHEME_HTTP);
    CHECK_INT(scheme_with(PROXIES, false, "X-Forwarded-Proto: gopher\r\n"), SCHEME_UNKNOWN);
    CHECK_INT(scheme_with(PROXIES, false, ""), SCHEME_UNKNOWN);
    CHECK_INT(scheme_with(PROXIES, true, "Forwarded: for=1.2.3.4;proto=https\r\n"), SCHEME_HTTPS);
    CHECK_INT(scheme_with(PROXIES, true, "X-Forwarded-Proto: https\r\n"), SCHEME_UNKNOWN);
}
