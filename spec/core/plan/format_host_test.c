#include "core/plan/format_host.c"
#include "spec/core/test.h"

static bool is_email(const char *s)
{
    return format_is_email(slice_str(s));
}

static bool is_url(const char *s)
{
    static const struct slice schemes[] = {{"https", 5}, {"http", 4}};
    return format_is_url(slice_str(s), schemes, 2);
}

TEST("an email address is what a browser takes in its own field")
{
    CHECK(is_email("ann@example.com") && is_email("a.b+c@x") && is_email("!#$%&'*+/=?^_`{|}~-.@example.com"));
    CHECK(is_email(".a..b.@example.com") && is_email("a@1.2.3.4") && is_email("a@xn--bcher-kva.example"));
    CHECK(!is_email("") && !is_email("ann") && !is_email("@example.com") && !is_email("ann@") && !is_email("a@b@c"));
    CHECK(!is_email("a b@example.com") && !is_email("\"a\"@example.com") && !is_email("a@[1.2.3.4]"));
    CHECK(!is_email("a@-example.com") && !is_email("a@example-.com") && !is_email("a@example..com"));
    CHECK(!is_email("a@example.com.") && !is_email("a@.example.com") && !is_email("a@exa_mple.com"));
    CHECK(!is_email("\xc3\xa9@example.com") &&
          !is_email("a@b\xc3\xbc"
                    "cher.example") &&
          !is_email("a@example.com\n"));
    CHECK(!format_is_email(SLICE_LIT("a\0@example.com")) && !format_is_email(SLICE_LIT("a@example.com\0")));
}

TEST("a label has at most 63 bytes")
{
    char s[80] = "a@";
    memset(s + 2, 'x', 63);
    CHECK(format_is_email(slice_of(s, 65)));
    s[65] = 'x';
    CHECK(!format_is_email(slice_of(s, 66)));
}

TEST("a URL has one of the schemes and a host")
{
    CHECK(is_url("https://example.com") && is_url("http://example.com/") && is_url("HTTPS://EXAMPLE.COM/"));
    CHECK(is_url("http://a") && is_url("http://example.com.") && is_url("http://localhost:8000/x"));
    CHECK(!is_url("") && !is_url("example.com") && !is_url("//example.com") && !is_url("https:example.com"));
    CHECK(!is_url("https:/xexample.com") && !is_url("https:x/example.com"));
    CHECK(!is_url("https:/example.com") && !is_url("https://") && !is_url("https:///path") && !is_url("https://?q"));
    CHECK(!is_url("ftp://example.com") && !is_url("javascript:alert(1)") && !is_url("javascript://example.com/%0aalert(1)"));
    CHECK(!is_url("httpss://example.com") && !is_url("http") && !is_url(":") && !is_url(" https://example.com"));
    static const struct slice ftp = {"ftp", 3};
    CHECK(format_is_url(SLICE_LIT("ftp://example.com/x"), &ftp, 1) && !format_is_url(SLICE_LIT("http://x"), &ftp, 1));
}

TEST("a URL's host is a DNS name or an address, and not a number that a resolver reads as one")
{
    CHECK(is_url("http://1.2.3.4/") && is_url("http://255.255.255.255:80") && is_url("http://[::1]/") &&
          is_url("http://[2001:db8::1]:8080/x") && is_url("http://[::ffff:1.2.3.4]"));
    CHECK(is_url("http://3com.example") && is_url("http://1.example"));
    CHECK(!is_url("http://1.2.3") && !is_url("http://256.1.1.1") && !is_url("http://127.1") &&
          !is_url("http://2130706433") && !is_url("http://0x7f.1") && !is_url("http://0x7f000001") &&
          !is_url("http://1.2.3.4."));
    CHECK(!is_url("http://[::1") && !is_url("http://[]") && !is_url("http://[1.2.3.4]") && !is_url("http://[::1%25eth0]") &&
          !is_url("http://[::1]x"));
    CHECK(!is_url("http://-a.example") && !is_url("http://a..b") && !is_url("http://.a") && !is_url("http://.") &&
          !is_url("http://a_b.example") && !is_url("http://a%41.example") &&
          !is_url("http://b\xc3\xbc"
                  "cher.example"));
}

TEST("a URL's host has at most 253 bytes")
{
    char s[300] = "http://";
    for (size_t i = 0; i < 260; i++)
        s[7 + i] = i % 50 == 49 ? '.' : 'a';
    CHECK(format_is_url(slice_of(s, 7 + 253), &SLICE_LIT("http"), 1));
    CHECK(!format_is_url(slice_of(s, 7 + 254), &SLICE_LIT("http"), 1));
}

TEST("a URL's port is a number up to 65535")
{
    CHECK(is_url("http://a9:9") && is_url("http://cafe") && is_url("http://a.be") && is_url("http://0a.0abc"));
    CHECK(is_url("http://a:0") && is_url("http://a:65535/") && is_url("http://a:080"));
    CHECK(!is_url("http://a:") && !is_url("http://a:/") && !is_url("http://a:65536") && !is_url("http://a:123456") &&
          !is_url("http://a:8x") && !is_url("http://a:-1") && !is_url("http://a:1:2") && !is_url("http://:80"));
}

TEST("a URL's other parts hold what RFC 3986 lets them hold")
{
    CHECK(is_url("http://user:pa%20ss@example.com/") && is_url("http://@example.com"));
    CHECK(is_url("http://a/b;c=d/e,f:g@h/?x=/?&y=%C3%BC#frag/?") && is_url("http://a?x") && is_url("http://a#x"));
    CHECK(!is_url("http://a/b c") && !is_url("http://a/%") && !is_url("http://a/%4") && !is_url("http://a/%zz"));
    CHECK(!is_url("http://a/\"") && !is_url("http://a/<x>") && !is_url("http://a/[x]") && !is_url("http://a/#a#b"));
    CHECK(!is_url("http://a/\\b") && !is_url("http://a\\@b/") && !is_url("http://a/\n") && !is_url("http://a/\xc3\xbc"));
    CHECK(!is_url("http://a@b@c/") && !is_url("http://us er@a/"));
    CHECK(!format_is_url(SLICE_LIT("http://a/\0b"), &SLICE_LIT("http"), 1));
}
