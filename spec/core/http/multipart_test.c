#include "core/http/multipart.c"
#include "base/buf.h"
#include "spec/core/test.h"

#include <stdlib.h>

static struct multipart reader;
static struct buf seen; /* name|filename|type|data; of each part, "-" for no filename */
static unsigned parts, parts_max;

static bool on_part(void *arg, const struct multipart_part *part)
{
    (void)arg;
    if (parts == parts_max)
        return false;
    buf_printf(&seen, "%s%.*s|%.*s|%.*s|", parts++ ? ";" : "", (int)part->name.n, part->name.p,
               part->is_file ? (int)part->filename.n : 1, part->is_file ? part->filename.p : "-", (int)part->content_type.n,
               part->content_type.p);
    return true;
}

static bool on_data(void *arg, const char *p, size_t n)
{
    (void)arg;
    buf_append(&seen, p, n);
    return true;
}

/* In pieces of `step` bytes, each in memory of its own length. */
static enum multipart_status read_in_steps(const char *p, size_t n, size_t step)
{
    enum multipart_status status = MULTIPART_OK;
    buf_clear(&seen);
    parts = 0;
    multipart_init(&reader, SLICE_LIT("b-1"), &(struct multipart_sink){.part = on_part, .data = on_data});
    for (size_t at = 0; at < n && status == MULTIPART_OK; at += step) {
        size_t piece = n - at < step ? n - at : step;
        char *copy = malloc(piece);
        memcpy(copy, p + at, piece);
        status = multipart_read(&reader, copy, piece);
        free(copy);
    }
    return status;
}

static void expect(const char *p, size_t n, enum multipart_status want, const char *want_seen)
{
    parts_max = 10;
    for (size_t step = 1; step <= n + 1; step++) {
        enum multipart_status status = read_in_steps(p, n, step);
        if (status != want)
            printf("  in steps of %zu: %s\n%.*s\n", step, reader.why ? reader.why : "", (int)n, p);
        CHECK_INT(status, want);
        CHECK((reader.why != NULL) == (want == MULTIPART_BAD));
        if (want_seen != NULL)
            CHECK_STR(seen.p, seen.n, want_seen);
    }
    buf_free(&seen);
}
#define EXPECT(text, want, want_seen) expect((text), sizeof(text) - 1, (want), (want_seen))

#define HEAD "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
#define END "\r\n--b-1--"

TEST("parts come with their names, filenames, types and data, however the bytes are cut")
{
    EXPECT("--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b-1\r\n"
           "content-type:image/png \r\nContent-Disposition: form-data; filename=\"x.png\"; name=b\r\n\r\n\x89PNG\r\n"
           "\r\n--b-1--\r\n",
           MULTIPART_DONE, "a|-||one;b|x.png|image/png|\x89PNG\r\n");
}

TEST("a part may be empty, and so may a filename")
{
    EXPECT(HEAD END, MULTIPART_DONE, "a|-||");
    EXPECT("--b-1\r\nContent-Disposition: form-data; name=a; filename=\"\"\r\n\r\n" END, MULTIPART_DONE, "a|||");
}

TEST("what is nearly a delimiter is data")
{
    EXPECT(HEAD "\r\r\n\r\n-\r\n--\r\n--b\r\n--b-\r\r\n--b-2" END, MULTIPART_DONE,
           "a|-||\r\r\n\r\n-\r\n--\r\n--b\r\n--b-\r\r\n--b-2");
    EXPECT(HEAD "--b-1\n--b-1--" END, MULTIPART_DONE, "a|-||--b-1\n--b-1--");
}

TEST("a preamble and an epilogue are not looked at")
{
    EXPECT("hello\r\nthere --b-1 \r\n" HEAD "x" END "\r\n--b-1\r\nnonsense", MULTIPART_DONE, "a|-||x");
    EXPECT("--b-1--", MULTIPART_DONE, "");
}

TEST("blanks may follow a delimiter, anything else may not")
{
    EXPECT("--b-1 \t \r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b-1--", MULTIPART_DONE, "a|-||x");
    EXPECT("--b-1x\r\n", MULTIPART_BAD, NULL);
    EXPECT("--b-1\n", MULTIPART_BAD, NULL);
    EXPECT("--b-1 \rx", MULTIPART_BAD, NULL);
    EXPECT("--b-1-x", MULTIPART_BAD, NULL);
    EXPECT(HEAD "x\r\n--b-12\r\n", MULTIPART_BAD, NULL);
}

TEST("a form that ends early is never done")
{
    static const char whole[] = HEAD "data" END;
    for (size_t n = 0; n < sizeof whole - 1; n++)
        expect(whole, n, MULTIPART_OK, NULL);
    EXPECT("no delimiter in here", MULTIPART_OK, "");
}

#define PART(lines) "--b-1\r\n" lines "\r\n\r\nx" END

TEST("hostile heads are refused")
{
    EXPECT("--b-1\r\n\r\nx" END, MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Type: text/plain"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=\"\""), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: attachment; name=a"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a; name=b"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=\"a"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=\"a\"x"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=x; filename=y"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data;\r\n name=a"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition : form-data; name=a"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a\nX: y"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a\rX: y"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=\"a\0b\""), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=\"\xff\""), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=\"\xc3\""), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"), MULTIPART_BAD, NULL);
    EXPECT(PART("Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: c/d"), MULTIPART_BAD, NULL);
    EXPECT(PART(": form-data; name=a"), MULTIPART_BAD, NULL);
    EXPECT(PART("no colon"), MULTIPART_BAD, NULL);
}

TEST("a filename keeps no folder of the client")
{
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=\"../../etc/passwd\""), MULTIPART_DONE, "a|passwd||x");
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=\"C:\\dir\\f.txt\""), MULTIPART_DONE, "a|f.txt||x");
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=\"dir/\""), MULTIPART_DONE, "a|||x");
    EXPECT(PART("Content-Disposition: form-data; name=a; filename=\"..\""), MULTIPART_DONE, "a|||x");
}

TEST("quotes are escaped by a backslash, filename* does not count, more lines are fine")
{
    EXPECT(PART("Content-Disposition: form-data; name=\"a\\\"b\\\\c\\d; x=\""), MULTIPART_DONE, "a\"b\\c\\d; x=|-||x");
    EXPECT(PART("Content-Disposition: form-data; name=a; filename*=utf-8''x"), MULTIPART_DONE, "a|-||x");
    EXPECT(PART("X-Other: 1\r\nCONTENT-DISPOSITION:form-data ;\tName=a\r\nContent-Transfer-Encoding: 8bit"), MULTIPART_DONE,
           "a|-||x");
}

TEST("heads and names have their limits")
{
    struct buf text = BUF_INIT;
    for (int over = 0; over < 2; over++) {
        buf_clear(&text);
        buf_lit(&text, "--b-1\r\nContent-Disposition: form-data; name=");
        for (int i = 0; i < MULTIPART_NAME_BYTES_MAX + over; i++)
            buf_char(&text, 'n');
        buf_lit(&text, "\r\n\r\n" END);
        CHECK_INT(read_in_steps(text.p, text.n, 7), over ? MULTIPART_BAD : MULTIPART_DONE);
        buf_clear(&text);
        buf_lit(&text, "--b-1\r\nContent-Disposition: form-data; name=a; filename=");
        for (int i = 0; i < MULTIPART_FILENAME_BYTES_MAX + over; i++)
            buf_char(&text, 'n');
        buf_lit(&text, "\r\n\r\n" END);
        CHECK_INT(read_in_steps(text.p, text.n, 7), over ? MULTIPART_BAD : MULTIPART_DONE);
    }
    buf_clear(&text);
    buf_lit(&text, "--b-1\r\n");
    for (int i = 0; i < MULTIPART_HEAD_BYTES_MAX; i++)
        buf_char(&text, 'h');
    CHECK_INT(read_in_steps(text.p, text.n, 100), MULTIPART_OK);
    buf_char(&text, 'h');
    CHECK_INT(read_in_steps(text.p, text.n, 100), MULTIPART_BAD);
    buf_free(&text);
    buf_free(&seen);
}

TEST("whoever takes the parts may stop, and it stays stopped")
{
    static const char text[] = HEAD "x\r\n" HEAD "y" END;
    parts_max = 1;
    CHECK_INT(read_in_steps(text, sizeof text - 1, 5), MULTIPART_STOPPED);
    CHECK_STR(seen.p, seen.n, "a|-||x");
    CHECK_INT(multipart_read(&reader, text, sizeof text - 1), MULTIPART_STOPPED);
    buf_free(&seen);
}

static void expect_boundary(const char *type, bool is_form, const char *want)
{
    struct slice boundary;
    CHECK_INT(multipart_is_form(slice_str(type), &boundary), is_form);
    CHECK_STR(boundary.p ? boundary.p : "", boundary.n, want);
}

TEST("the boundary is a parameter of the type, a token or quoted, of at most 70 characters")
{
    expect_boundary("multipart/form-data; boundary=abc", true, "abc");
    expect_boundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b:c\" ", true, "a b:c");
    expect_boundary("multipart/form-data", true, "");
    expect_boundary("multipart/form-data; boundary=", true, "");
    expect_boundary("multipart/form-data; boundary=\"\"", true, "");
    expect_boundary("multipart/form-data; boundary=\"a \"", true, "");
    expect_boundary("multipart/form-data; boundary=\"a\\\"b\"", true, "");
    expect_boundary("multipart/form-data; boundary=a; boundary=a", true, "");
    expect_boundary("multipart/form-data; boundary=a b", true, "");
    expect_boundary("multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789",
                    true, "0123456789012345678901234567890123456789012345678901234567890123456789");
    expect_boundary("multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
                    true, "");
    expect_boundary("multipart/form-database; boundary=a", false, "");
    expect_boundary("multipart/mixed; boundary=a", false, "");
    expect_boundary("", false, "");
}

/* Bytes that mean something, in any order: nothing may be read outside of the input, and how it is cut changes nothing. */
TEST("made-up forms give the same however they are cut")
{
    static const char *const tokens[] = {"\r\n",     "--b-1",
                                         "--",       "\r",
                                         "\n",       "-",
                                         "b-1",      HEAD,
                                         "x",        "Content-Disposition: form-data; name=\"q\"",
                                         "\r\n\r\n", "; filename=\"f\"",
                                         "\"",       "\\",
                                         ":",        "\0",
                                         "\xff",     END};
    struct buf text = BUF_INIT, first = BUF_INIT;
    unsigned state = 12345;
    parts_max = 10;
    for (int round = 0; round < 4000; round++) {
        buf_clear(&text);
        for (int i = 0; i < 12; i++) {
            state = state * 1103515245u + 12345u;
            buf_str(&text, tokens[(state >> 16) % (sizeof tokens / sizeof *tokens)]);
        }
        enum multipart_status status = read_in_steps(text.p, text.n, text.n + 1);
        buf_clear(&first);
        buf_slice(&first, buf_view(&seen));
        for (size_t step = 1; step < 5; step++) {
            CHECK_INT(read_in_steps(text.p, text.n, step), status);
            CHECK(slice_eq(buf_view(&seen), buf_view(&first)));
        }
    }
    buf_free(&text);
    buf_free(&first);
    buf_free(&seen);
}
