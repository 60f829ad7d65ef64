#include "core/auth/base64url.c"
#include "spec/core/auth/forge.h"
#include "spec/core/test.h"

static bool takes(const char *text, struct slice *out, struct arena *a)
{
    return base64url_decode(slice_str(text), a, out);
}

TEST("what was encoded is decoded, whatever the bytes")
{
    char bytes[300];
    struct arena a = {0};
    struct slice out;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct buf text = BUF_INIT;
        forge_base64(&text, slice_of(bytes, n));
        CHECK(base64url_decode(buf_view(&text), &a, &out));
        CHECK(slice_eq(out, slice_of(bytes, n)) && out.p[n] == 0);
        buf_free(&text);
    }
    arena_free(&a);
}

TEST("each byte that is no digit is refused, wherever it stands")
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct arena a = {0};
    struct slice out;
    for (int c = 0; c < 256; c++) {
        char text[5] = "AAAA";
        for (int at = 0; at < 4; at++) {
            memcpy(text, "AAAA", 4);
            text[at] = (char)c;
            bool digit = c != 0 && strchr(digits, c) != NULL;
            CHECK_INT(base64url_decode(slice_of(text, 4), &a, &out), digit);
        }
    }
    arena_free(&a);
}

TEST("padding, a digit too many and bits that mean nothing are refused")
{
    struct arena a = {0};
    struct slice out;
    CHECK(takes("", &out, &a) && takes("AA", &out, &a) && takes("AAA", &out, &a) && takes("QQ", &out, &a));
    CHECK(!takes("A", &out, &a) && !takes("AAAAA", &out, &a));
    CHECK(!takes("AA==", &out, &a) && !takes("AAA=", &out, &a) && !takes("=", &out, &a));
    CHECK(!takes("AB", &out, &a) && !takes("AP", &out, &a) && !takes("AAB", &out, &a) && !takes("AAD", &out, &a));
    CHECK(takes("AAE", &out, &a));
    arena_free(&a);
}
