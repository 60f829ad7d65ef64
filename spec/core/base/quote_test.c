#include "core/base/quote.c"
#include "spec/core/test.h"

static void check_quote(const char *in, size_t n, const char *want)
{
    struct buf b = BUF_INIT;
    quote_json(&b, slice_of(in, n));
    bool same = b.n == strlen(want) && memcmp(b.p, want, b.n) == 0;
    if (!same)
        printf("    %.*s instead of %s\n", (int)b.n, b.p, want);
    buf_free(&b);
    CHECK(same);
}
#define QUOTES(in, want) check_quote(in, sizeof(in) - 1, want)

TEST("quotes, backslashes and controls are escaped, the short way where there is one")
{
    QUOTES("", "\"\"");
    QUOTES("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    QUOTES("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    QUOTES("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\"");
}

TEST("a special byte is found at each place of a word")
{
    for (size_t at = 0; at < 24; at++) {
        for (unsigned c = 1; c < 0x80; c++) {
            char in[24], want[40], *w = want;
            memset(in, 'x', sizeof in);
            in[at] = (char)c;
            *w++ = '"';
            for (size_t i = 0; i < sizeof in; i++) {
                unsigned char b = (unsigned char)in[i];
                if (b == '\b' || b == '\t' || b == '\n' || b == '\f' || b == '\r')
                    w += sprintf(w, "\\%c", "btn_fr"[b - 8]);
                else if (b < 0x20)
                    w += sprintf(w, "\\u%04x", b);
                else
                    w += sprintf(w, b == '"' || b == '\\' ? "\\%c" : "%c", b);
            }
            strcpy(w, "\"");
            check_quote(in, sizeof in, want);
        }
    }
}

TEST("a string of any length is copied whole, and nothing behind it is read")
{
    for (size_t n = 0; n < 70; n++) {
        char *in = malloc(n + 1), want[80] = "\""; /* the allocator's guard lies behind n */
        for (size_t i = 0; i < n; i++)
            in[i] = want[i + 1] = (char)('a' + i % 26);
        strcpy(want + n + 1, "\"");
        in = realloc(in, n > 0 ? n : 1);
        check_quote(in, n, want);
        free(in);
    }
}

TEST("a character that is not ASCII is found at each place of any length")
{
    for (size_t n = 2; n < 40; n++) {
        for (size_t at = 0; at + 1 < n; at++) {
            char in[40], want[48] = "\"";
            memset(in, 'x', sizeof in);
            memcpy(in + at, "\xc3\xbc", 2);
            memcpy(want + 1, in, n);
            strcpy(want + n + 1, "\"");
            check_quote(in, n, want);
            in[at + 1] = 'x'; /* half of it */
            memset(want, 'x', sizeof want);
            want[0] = '"';
            memcpy(want + 1 + at, "\xef\xbf\xbd", 3);
            strcpy(want + n + 3, "\"");
            check_quote(in, n, want);
        }
    }
}

TEST("UTF-8 goes as it is, U+2028 too")
{
    QUOTES("Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xa8",
           "\"Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x98\x80 \xe2\x80\xa8\"");
}

TEST("what is not UTF-8 becomes U+FFFD, a byte at a time")
{
    QUOTES("\xff", "\"\xef\xbf\xbd\"");
    QUOTES("a\xc3", "\"a\xef\xbf\xbd\"");
    QUOTES("\xc3\xa9\x80z", "\"\xc3\xa9\xef\xbf\xbdz\"");
    QUOTES("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    QUOTES("\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"");
}
