#ifndef SPEC_QUOTE_PROPERTY_H
#define SPEC_QUOTE_PROPERTY_H
/* quote_json against a writer that looks at one byte after the other, on texts made of everything that it treats apart. */
#include "base/buf.h"
#include "base/scan.h"
#include "base/utf8.h"
#include "spec/core/test.h"
#include <stdlib.h>

static uint64_t quote_seed = 88172645463325252u;

static unsigned quote_random(unsigned n) /* xorshift64 */
{
    quote_seed ^= quote_seed << 13;
    quote_seed ^= quote_seed >> 7;
    quote_seed ^= quote_seed << 17;
    return (unsigned)(quote_seed % n);
}

static void quote_naive(struct buf *out, struct slice s)
{
    buf_char(out, '"');
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = utf8_sequence(s.p + i, s.p + s.n);
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c >= '\b' && c <= '\r' && c != '\v')
            buf_printf(out, "\\%c", "btn_fr"[c - '\b']);
        else if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else if (n == 0)
            buf_lit(out, "\xef\xbf\xbd");
        else
            buf_append(out, s.p + i, n);
        i += n > 0 ? n : 1;
    }
    buf_char(out, '"');
}

/* Mostly plain, so that the runs between what is not are of every length. */
static size_t quote_put_random(char *to, size_t room, unsigned rare)
{
    static const char *const pieces[] = {"\"",
                                         "\\",
                                         "\n",
                                         "\x1f",
                                         "\x7f",
                                         "\xc3\xbc",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80",
                                         "\x80",
                                         "\xc3",
                                         "\xe2\x82",
                                         "\xed\xa0\x80",
                                         "\xf4\x90\x80\x80",
                                         "\xc0\x80",
                                         "\xff"};
    const char *piece = pieces[quote_random(sizeof pieces / sizeof *pieces)];
    char plain[2] = {(char)(' ' + quote_random(95)), 0};

    if (quote_random(rare) != 0)
        piece = plain;
    else if (quote_random(8) == 0)
        piece = memcpy(plain, "\0", 1);
    size_t n = piece == plain ? 1 : strlen(piece);
    n = n < room ? n : room; /* the last one may be cut */
    memcpy(to, piece, n);
    return n;
}

static struct slice quote_random_text(size_t max)
{
    size_t n = quote_random((unsigned)max + 1), at = 0;
    unsigned rare = 1u << quote_random(8);
    char *p = malloc(n > 0 ? n : 1); /* no more than that: the sanitizer sees who reads behind it */

    while (at < n)
        at += quote_put_random(p + at, n - at, rare);
    return slice_of(p, n);
}

static void quote_check_one(size_t max)
{
    struct slice text = quote_random_text(max);
    struct buf got = BUF_INIT, want = BUF_INIT;

    buf_lit(&got, "before");
    buf_lit(&want, "before");
    quote_json(&got, text);
    quote_naive(&want, text);
    bool same = slice_eq(buf_view(&got), buf_view(&want));
    if (!same)
        printf("    %.*s instead of %.*s\n", (int)got.n, got.p, (int)want.n, want.p);
    free((void *)text.p);
    buf_free(&got);
    buf_free(&want);
    CHECK(same);
}

static void quote_check_many(void)
{
    for (int i = 0; i < 40000; i++)
        quote_check_one(i % 100 == 0 ? 2000 : 80);
}

/* What was copied is that much of the text, and the byte behind it is the first that is not plain. */
static void copy_check_many(void)
{
    for (int i = 0; i < 40000; i++) {
        struct slice text = quote_random_text(80);
        char *to = malloc(text.n > 0 ? text.n : 1);
        size_t n = scan_copy_plain(to, text.p, text.n), want = 0;
        while (want < text.n && scan_is_plain((unsigned char)text.p[want]))
            want++;
        bool same = n == want && memcmp(to, text.p, n) == 0;
        free(to);
        free((void *)text.p);
        CHECK(same);
    }
}
#endif
