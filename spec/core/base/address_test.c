#include "core/base/address.c"
#include "spec/core/test.h"

static const char *written(const char *text)
{
    static char out[ADDRESS_TEXT_MAX];
    struct address a;
    return address_parse(slice_str(text), &a) && address_write(&a, out) > 0 ? out : "none";
}

#define IS(text, want)                     \
    do {                                   \
        const char *got = written(text);   \
        CHECK_STR(got, strlen(got), want); \
    } while (0)

TEST("an address is read as proxies write it")
{
    IS("192.0.2.1", "192.0.2.1");
    IS("192.0.2.1:8080", "192.0.2.1");
    IS("2001:DB8::1", "2001:db8::1");
    IS("[2001:db8::1]", "2001:db8::1");
    IS("[2001:db8::1]:443", "2001:db8::1");
    IS("::ffff:192.0.2.1", "192.0.2.1");
}

TEST("what is no address is none")
{
    static const char *const bad[] = {"",
                                      "unknown",
                                      "_hidden",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "256.1.1.1",
                                      "[2001::1",
                                      "[2001:db8::1]x",
                                      "1.2.3.4, 5.6",
                                      "example.com",
                                      "01.2.3.4",
                                      "1.2.3.4 ",
                                      "::1%eth0%",
                                      "[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        IS(bad[i], "none");
    struct address a;
    CHECK(!address_parse(SLICE_LIT("1.2.3.4\0.evil"), &a));
}

static bool within(const char *networks, const char *text)
{
    struct address_set set;
    struct address a;
    CHECK(address_set_parse(slice_str(networks), &set));
    CHECK(address_parse(slice_str(text), &a));
    return address_set_has(&set, &a);
}

TEST("a network holds the addresses of its prefix and no others")
{
    CHECK(within("10.0.0.0/8", "10.255.0.1"));
    CHECK(!within("10.0.0.0/8", "11.0.0.1"));
    CHECK(within("192.0.2.128/25", "192.0.2.200"));
    CHECK(!within("192.0.2.128/25", "192.0.2.127"));
    CHECK(within("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK(!within("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(within("0.0.0.0/0", "203.0.113.9"));
    CHECK(!within("0.0.0.0/0", "::1"));
    CHECK(within("127.0.0.1\n::1", "::1"));
    CHECK(!within("127.0.0.1\n::1", "127.0.0.2"));
    CHECK(within("127.0.0.1", "::ffff:127.0.0.1"));
    CHECK(!within("", "127.0.0.1"));
}

TEST("a malformed network, or too many of them, is no set")
{
    static const char *const bad[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/",    "::/129", "10.0.0.0/8\n\n",
                                      "x",          "::1/0",       "10.0.0.0/8/8", "[::1]",  "1.2.3.4:80"};
    struct address_set set;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!address_set_parse(slice_str(bad[i]), &set));
        CHECK_INT(set.n, 0);
    }
    char many[ADDRESS_NETWORKS_MAX * 8 + 16] = "";
    for (int i = 0; i < ADDRESS_NETWORKS_MAX; i++)
        strcat(many, i ? "\n1.2.3.4" : "1.2.3.4");
    CHECK(address_set_parse(slice_str(many), &set));
    strcat(many, "\n1.2.3.4");
    CHECK(!address_set_parse(slice_str(many), &set));
}

TEST("a Unix socket has no address")
{
    struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
    struct address a = address_of((struct sockaddr *)&unix_peer);
    char out[ADDRESS_TEXT_MAX];
    CHECK_INT(a.kind, ADDRESS_NONE);
    CHECK_INT(address_write(&a, out), 0);
}
