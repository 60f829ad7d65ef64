#include "core/base/utf8.c"
#include "spec/core/test.h"

static bool is_valid(const char *s)
{
    return utf8_is_valid(slice_str(s));
}

TEST("the first and last character of each length is valid")
{
    CHECK(is_valid("") && is_valid("plain ascii that is longer than eight"));
    CHECK(is_valid("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    CHECK(is_valid("\xed\x9f\xbf\xee\x80\x80")); /* around the surrogates */
    CHECK(utf8_is_valid(SLICE_LIT("a\0b")));
}

TEST("overlong forms, surrogates, what lies past U+10FFFF and stray bytes are not")
{
    static const char *const bad[] = {
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\x80",
        "\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe2\x82",
        "\xe2\x82\x41",
        "\xe2\x41\x82",
        "\xf0\x9f\x98",
        "\xf0\x9f\x98\x41",
        "\xf0\x9f\x41\x80",
        "\xc3\xc3",
        "12345678\x80",
        "1234567\xc3",
        "12345678901234\xe2\x82",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!is_valid(bad[i]));
}

TEST("a sequence that the end cuts is not read past the end")
{
    static const char euro[] = "\xe2\x82\xac";
    CHECK_INT(utf8_sequence(euro, euro + 3), 3);
    CHECK_INT(utf8_sequence(euro, euro + 2), 0);
    CHECK_INT(utf8_sequence(euro, euro + 1), 0);
}

TEST("length counts code points")
{
    CHECK_INT(utf8_length(SLICE_LIT("")), 0);
    CHECK_INT(utf8_length(SLICE_LIT("na\xc3\xafve")), 5);
    CHECK_INT(utf8_length(SLICE_LIT("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xe2\x82\xac!")), 4);
    CHECK_INT(utf8_length(SLICE_LIT("0123456789abcdef\xe2\x82\xac")), 17);
}

TEST("each scalar value is written so that it is valid, and has length one")
{
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char out[4];
        if (cp == 0xd800)
            cp = 0xe000;
        size_t n = utf8_write(out, cp);
        CHECK(utf8_sequence(out, out + n) == n);
        CHECK(utf8_length(slice_of(out, n)) == 1);
    }
}
