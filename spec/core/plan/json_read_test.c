#include "core/plan/json_read.c"
#include "spec/core/test.h"

/* The input is copied to the heap without a NUL, so that a sanitizer sees any look past its end. */
static enum json_status read_n(const char *text, size_t n, unsigned depth, struct arena *a, struct json_doc *doc,
                               struct json_error *err, char **copy)
{
    *copy = mem_alloc(n);
    if (n > 0)
        memcpy(*copy, text, n);
    enum json_status rc = json_read(slice_of(*copy, n), depth, a, doc, err);
    CHECK(rc == err->status && (rc == JSON_OK) == (err->message == NULL) && err->at <= n);
    CHECK((rc == JSON_OK) == (doc->nodes != NULL));
    return rc;
}

static enum json_status status_of_n(const char *text, size_t n, size_t *at)
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    char *copy;
    enum json_status rc = read_n(text, n, 64, &a, &doc, &err, &copy);
    *at = err.at;
    arena_free(&a);
    free(copy);
    return rc;
}

static enum json_status status_of(const char *text)
{
    size_t at;
    return status_of_n(text, strlen(text), &at);
}

/* The tape written again: what the reader understood, in one line. */
static uint32_t show(struct buf *out, const struct json_node *nodes, uint32_t i)
{
    const struct json_node *node = &nodes[i];
    uint32_t at = i + 1;

    switch (node->type) {
    case JSON_NULL:
        buf_lit(out, "null");
        break;
    case JSON_FALSE:
        buf_lit(out, "false");
        break;
    case JSON_TRUE:
        buf_lit(out, "true");
        break;
    case JSON_INT:
        json_write_int(out, node->i);
        break;
    case JSON_DOUBLE:
        CHECK(json_write_double(out, node->d) == 0);
        break;
    case JSON_STRING:
        json_write_string(out, node->s);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buf_char(out, node->type == JSON_ARRAY ? '[' : '{');
        for (uint32_t k = 0; k < node->count; k++) {
            if (k > 0)
                buf_char(out, ',');
            if (node->type == JSON_OBJECT) {
                at = show(out, nodes, at);
                buf_char(out, ':');
            }
            at = show(out, nodes, at);
        }
        buf_char(out, node->type == JSON_ARRAY ? ']' : '}');
        break;
    }
    CHECK(node->next == at);
    return at;
}

static void check_reads(const char *text, const char *want)
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    struct buf out = BUF_INIT;
    char *copy;

    if (read_n(text, strlen(text), 64, &a, &doc, &err, &copy) != JSON_OK)
        printf("    %s: %s at %zu\n", text, err.message, err.at);
    CHECK(err.status == JSON_OK);
    CHECK_INT(show(&out, doc.nodes, 0), doc.n);
    CHECK_STR(out.p, out.n, want);
    buf_free(&out);
    arena_free(&a);
    free(copy);
}

static void check_fails(const char *text, enum json_status want, size_t where)
{
    size_t at;
    enum json_status got = status_of_n(text, strlen(text), &at);
    if (got != want || at != where)
        printf("    %s: status %d at %zu\n", text, got, at);
    CHECK(got == want && at == where);
}

TEST("scalars stand alone, with blanks around")
{
    check_reads("null", "null");
    check_reads(" \t\r\n true \t\r\n ", "true");
    check_reads("false", "false");
    check_reads("\"\"", "\"\"");
    check_reads("0", "0");
    check_reads("-1.5e2", "-150.0");
}

TEST("containers hold members in order and know their end")
{
    check_reads("[]", "[]");
    check_reads("{}", "{}");
    check_reads("[ [ ] , { } ]", "[[],{}]");
    check_reads("{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":[]}", "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":[]}");
    check_reads("[[[[[]]]],[[]],1]", "[[[[[]]]],[[]],1]");
    check_reads("{\"\":0}", "{\"\":0}");
    check_reads("{ \"a\" : 1 , \"A\" : 2 }", "{\"a\":1,\"A\":2}");
}

TEST("integers are exact to 64 bits and refused beyond")
{
    check_reads("9223372036854775807", "9223372036854775807");
    check_reads("-9223372036854775808", "-9223372036854775808");
    check_reads("[999999999999999999,-999999999999999999]", "[999999999999999999,-999999999999999999]");
    check_reads("[1000000000000000000,-1000000000000000000]", "[1000000000000000000,-1000000000000000000]");
    check_reads("-0", "0");
    check_fails("9223372036854775808", JSON_NUMBER_RANGE, 0);
    check_fails("[-9223372036854775809]", JSON_NUMBER_RANGE, 1);
    check_fails("[1,100000000000000000000000000000000000000000000]", JSON_NUMBER_RANGE, 3);
}

TEST("a fraction or an exponent makes a double, which must be finite")
{
    check_reads("1.0", "1.0");
    check_reads("-0.0", "-0.0");
    check_reads("1e2", "100.0");
    check_reads("1E+2", "100.0");
    check_reads("0e0", "0.0");
    check_reads("1e-400", "0.0");
    check_reads("0.1", "0.1");
    check_reads("9223372036854775808.0", "9.223372036854776e+18");
    check_reads("1.7976931348623157e308", "1.7976931348623157e+308");
    check_fails("1e999", JSON_NUMBER_RANGE, 0);
    check_fails("[-1e309]", JSON_NUMBER_RANGE, 1);
    check_fails("1e99999999999999999999999999", JSON_NUMBER_RANGE, 0);
}

TEST("what RFC 8259 section 6 does not allow is no number")
{
    static const char *const bad[] = {
        "-",     "+1",    "01",  "-01",  "00",    "1.",    ".5",       "1.e1",      "1e",   "1e+",  "1e-", "1.5e",
        "0x10",  "1_0",   "NaN", "nan",  "-NaN",  "inf",   "Infinity", "-Infinity", "1a",   "1 2",  "--1", "-a",
        "1e1.5", "0.1.2", "-.5", "1ee2", "1e+-2", "2.e+3", "0e+",      "0E",        "0.3e", "9.e+", "-2.", "\xef\xbc\x91",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char in_array[64];
        snprintf(in_array, sizeof in_array, "[%s]", bad[i]);
        if (status_of(bad[i]) != JSON_SYNTAX || status_of(in_array) != JSON_SYNTAX)
            printf("    %s was read\n", bad[i]);
        CHECK(status_of(bad[i]) == JSON_SYNTAX && status_of(in_array) == JSON_SYNTAX);
    }
}

TEST("every escape is read")
{
    check_reads("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    check_reads("\"\\u0041\\u00e9\\u20AC\\uFFFF\\u0001\"", "\"A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf\\u0001\"");
    check_reads("\"\\uD83D\\ude00\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\"\xf0\x9f\x98\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
    check_reads("\"\\\\u0041\"", "\"\\\\u0041\"");
    check_reads("\"long enough to be scanned by words \\n and then some more of the same\"",
                "\"long enough to be scanned by words \\n and then some more of the same\"");
    check_reads("{\"k\\u0065y\":\"v\"}", "{\"key\":\"v\"}");
    check_reads("\"\\u2028\xe2\x80\xa8\x7f\"", "\"\xe2\x80\xa8\xe2\x80\xa8\x7f\"");
}

TEST("broken escapes and halves of surrogate pairs are refused where they stand")
{
    check_fails("\"\\x41\"", JSON_SYNTAX, 1);
    check_fails("\"a\\'\"", JSON_SYNTAX, 2);
    check_fails("\"\\U0041\"", JSON_SYNTAX, 1);
    check_fails("\"\\u00g1\"", JSON_SYNTAX, 1);
    check_fails("\"\\u123\"", JSON_SYNTAX, 1);
    check_fails("\"\\u 123\"", JSON_SYNTAX, 1);
    check_fails("\"\\\"", JSON_SYNTAX, 3);
    check_fails("\"\\", JSON_SYNTAX, 2);
    check_fails("\"\\u12", JSON_SYNTAX, 5);
    check_fails("\"\\\n\"", JSON_SYNTAX, 1);
    check_fails("\"\\uD800\"", JSON_UTF8, 1);
    check_fails("\"x\\uDC00\"", JSON_UTF8, 2);
    check_fails("\"\\uD800\\uD800\"", JSON_UTF8, 1);
    check_fails("\"\\uD800\\n\"", JSON_UTF8, 1);
    check_fails("\"\\uD800\\u\"", JSON_UTF8, 1);
    check_fails("\"\\uD800x\"", JSON_UTF8, 1);
    check_fails("\"\\uDFFF\\uDBFF\"", JSON_UTF8, 1);
}

TEST("NUL is refused, written or escaped, in keys too")
{
    size_t at;
    CHECK(status_of_n("\"a\0b\"", 5, &at) == JSON_NUL && at == 2);
    check_fails("\"ab\\u0000\"", JSON_NUL, 3);
    check_fails("{\"\\u0000\":1}", JSON_NUL, 2);
    CHECK(status_of_n("1\0", 2, &at) == JSON_SYNTAX && at == 1);
    CHECK(status_of_n("\0", 1, &at) == JSON_SYNTAX && at == 0);
    CHECK(status_of_n("[1,\0]", 5, &at) == JSON_SYNTAX && at == 3);
}

TEST("controls must be escaped, and bytes must be UTF-8")
{
    for (char c = 1; c < 0x20; c++) {
        char text[] = "\"12345678901234567890\"";
        text[15] = c;
        check_fails(text, JSON_SYNTAX, 15);
    }
    check_reads("\"\x7f\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
                "\"\x7f\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
    check_fails("\"\xff\"", JSON_UTF8, 1);
    check_fails("\"a\xc0\xaf\"", JSON_UTF8, 2);
    check_fails("\"\xed\xa0\x80\"", JSON_UTF8, 1);
    check_fails("\"\xf4\x90\x80\x80\"", JSON_UTF8, 1);
    check_fails("\"\xe2\x82\"", JSON_UTF8, 1);
    check_fails("{\"\x80\":1}", JSON_UTF8, 2);
    check_fails("[\xc3\xa9]", JSON_SYNTAX, 1);
}

TEST("a byte order mark and other encodings are refused")
{
    size_t at;
    check_fails("\xef\xbb\xbf{}", JSON_SYNTAX, 0);
    check_fails("\xef\xbb\xbf", JSON_SYNTAX, 0);
    CHECK(status_of_n("[\0]\0", 4, &at) == JSON_SYNTAX);
    CHECK(status_of_n("\xff\xfe[\0]\0", 6, &at) == JSON_SYNTAX);
    check_fails("{}\xef\xbb\xbf", JSON_SYNTAX, 2);
}

TEST("nothing but blanks is empty")
{
    size_t at;
    check_fails("", JSON_EMPTY, 0);
    check_fails(" \r\n\t", JSON_EMPTY, 4);
    CHECK(status_of_n(NULL, 0, &at) == JSON_EMPTY);
}

TEST("structure is checked to the letter")
{
    static const char *const bad[] = {
        "[",
        "]",
        "{",
        "}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1}",
        "{1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1",
        "{\"a\":1]",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{:1}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "['a']",
        "{\"a\":1,,\"b\":2}",
        "{\"a\":1 \"b\":2}",
        "{null:1}",
        "{1:1}",
        "{[]:1}",
        "[]]",
        "[][]",
        "{}{}",
        "{},",
        "1,2",
        "[1],",
        "null null",
        "nul",
        "nulll",
        "tru",
        "True",
        "TRUE",
        "truefalse",
        "fals",
        "undefined",
        "\"",
        "\"a",
        "[\"a",
        "[\"a\"",
        "\"a\"b",
        "[1:2]",
        "[\"a\":1]",
        "/**/[]",
        "[]//",
        "[1]#",
        "[\v]",
        "[\f1]",
        "\xc2\xa0[]",
        "[1]\xe2\x80\xa8",
        "(1)",
        "<null>",
        "[*]",
        "\\u0031",
        "{\"a\":\"b\"}}",
        "[\"\"],",
        "{\"a\":1}x",
        "[\"x\"y]",
        "[x\"y\"]",
        "*",
        "[\x7f]",
        "{\"x\":,}",
        "[[[[",
        "{\"a\":{\"b\":",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (status_of(bad[i]) != JSON_SYNTAX)
            printf("    %s was read\n", bad[i]);
        CHECK(status_of(bad[i]) == JSON_SYNTAX);
    }
}

TEST("every beginning of a document is refused, at its end or before")
{
    static const char text[] = "{\"a\\n\":[1,-2.5e+3,\"\\ud83d\\ude00 \xe2\x82\xac\",true,false,null,{}],"
                               "\"b\":{\"c\":[[]]}}";
    size_t at;
    for (size_t n = 0; n < sizeof text - 1; n++)
        CHECK(status_of_n(text, n, &at) != JSON_OK);
    CHECK(status_of(text) == JSON_OK);
}

TEST("depth is what the caller allows")
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    char *copy;

    CHECK(read_n("[[[1]]]", 7, 3, &a, &doc, &err, &copy) == JSON_OK);
    free(copy);
    CHECK(read_n("[[{\"a\":[]}]]", 12, 3, &a, &doc, &err, &copy) == JSON_DEPTH);
    CHECK_INT(err.at, 7);
    free(copy);
    CHECK(read_n("[[1],[2],[[3]]]", 15, 3, &a, &doc, &err, &copy) == JSON_OK);
    free(copy);
    CHECK(read_n("1", 1, 0, &a, &doc, &err, &copy) == JSON_OK);
    free(copy);
    CHECK(read_n("[]", 2, 0, &a, &doc, &err, &copy) == JSON_DEPTH);
    free(copy);
    arena_free(&a);
}

TEST("a million brackets cost no stack")
{
    enum { N = 1000000 };
    char *text = mem_alloc(2 * N);
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;

    memset(text, '[', N);
    memset(text + N, ']', N);
    CHECK(json_read(slice_of(text, 2 * N), N, &a, &doc, &err) == JSON_OK);
    CHECK(doc.n == N && doc.nodes[0].next == N && doc.nodes[N - 1].count == 0);
    CHECK(json_read(slice_of(text, 2 * N), 64, &a, &doc, &err) == JSON_DEPTH && err.at == 64);
    arena_free(&a);
    free(text);
}

TEST("a key that is there twice is refused, however it is written")
{
    check_fails("{\"a\":1,\"a\":1}", JSON_DUPLICATE_KEY, 7);
    check_fails("{\"a\":1,\"b\":2,\"\\u0061\":3}", JSON_DUPLICATE_KEY, 13);
    check_fails("[{\"x\":{\"a\":1,\"a\":2}}]", JSON_DUPLICATE_KEY, 13);
    check_fails("{\"\":1,\"\":1}", JSON_DUPLICATE_KEY, 6);
    check_reads("{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}");
    check_reads("[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]");
}

TEST("by the grammar alone NUL and a key that is there twice are fine, and nothing else changes")
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    CHECK(json_read_grammar(SLICE_LIT("{\"a\":1,\"a\":\"x\\u0000y\"}"), 64, &a, &doc, &err) == JSON_OK);
    CHECK(doc.nodes[0].count == 2 && doc.nodes[2].i == 1);
    CHECK(slice_eq(doc.nodes[4].s, SLICE_LIT("x\0y")));
    CHECK(json_read_grammar(slice_of("\"a\0b\"", 5), 64, &a, &doc, &err) == JSON_NUL);
    CHECK(json_read_grammar(SLICE_LIT("\"\\ud800\""), 64, &a, &doc, &err) == JSON_UTF8);
    CHECK(json_read_grammar(SLICE_LIT("[1,]"), 64, &a, &doc, &err) == JSON_SYNTAX);
    CHECK(json_read_grammar(SLICE_LIT("[[]]"), 1, &a, &doc, &err) == JSON_DEPTH);
    arena_free(&a);
}

/* {"k0":0,"k1":[1],...}, and when `again` is set that key once more at the end. */
static void make_object(struct buf *out, unsigned keys, long again)
{
    buf_clear(out);
    buf_char(out, '{');
    for (unsigned i = 0; i < keys; i++)
        buf_printf(out, i % 3 ? "\"k%u\":%u," : "\"k%u\":[%u],", i, i);
    if (again >= 0)
        buf_printf(out, "\"k%ld\":0}", again);
    else
        out->p[out->n - 1] = '}';
}

TEST("duplicates are found in objects of all sizes, wherever they are")
{
    struct buf text = BUF_INIT;
    size_t at;
    for (unsigned keys = 1; keys < 120; keys++) {
        make_object(&text, keys, -1);
        CHECK(status_of_n(text.p, text.n, &at) == JSON_OK);
        for (unsigned again = 0; again < keys; again++) {
            make_object(&text, keys, again);
            CHECK(status_of_n(text.p, text.n, &at) == JSON_DUPLICATE_KEY);
            CHECK(at > text.n - 12);
        }
    }
    buf_free(&text);
}

TEST("a hundred thousand keys are no quadratic cost, and the tape moves to the heap")
{
    struct buf text = BUF_INIT;
    size_t at;
    make_object(&text, 100000, -1);
    CHECK(status_of_n(text.p, text.n, &at) == JSON_OK);
    make_object(&text, 100000, 99999);
    CHECK(status_of_n(text.p, text.n, &at) == JSON_DUPLICATE_KEY);
    buf_free(&text);
}

TEST("strings without escapes are views of the input")
{
    static const char text[] = "[\"plain\",\"esc\\n\"]";
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    CHECK(json_read(SLICE_LIT(text), 64, &a, &doc, &err) == JSON_OK);
    CHECK(doc.nodes[1].s.p == text + 2);
    CHECK(doc.nodes[2].s.p < text || doc.nodes[2].s.p > text + sizeof text);
    CHECK_INT(doc.nodes[2].count, 9);
    arena_free(&a);
}

TEST("broken input never reads past its end nor loops, whichever byte is changed")
{
    static const char text[] = "{\"a\\u00e9\":[1,-2.5e+3,\"\\ud83d\\ude00 \xe2\x82\xac\",true,null,{}],\"b\":{\"c\":[[]]}}";
    static const char bytes[] = "\0\"\\{}[],:u0-.e \x80\xe2\xff";
    size_t at;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[i] = bytes[k];
            (void)status_of_n(changed, sizeof text - 1, &at);
        }
    }
}
