#include "core/pg/result/array.c"
#include <stdlib.h>
#include "spec/core/test.h"

/* The elements in order: "a|NULL|{x}" with NULL for a NULL and braces for an array inside. */
static void check(const char *text, const char *want)
{
    struct pg_array_reader r;
    struct buf seen = BUF_INIT;
    struct slice element;
    bool is_null, is_array, first = true;
    char copy[512];

    CHECK(pg_array_begin(&r, slice_str(text)));
    while (pg_array_next(&r, &element, &is_null, &is_array)) {
        if (!first)
            buf_char(&seen, '|');
        first = false;
        if (is_array)
            CHECK(element.p[0] == '{');
        if (is_null)
            buf_lit(&seen, "<null>");
        else
            buf_slice(&seen, element);
    }
    snprintf(copy, sizeof copy, "%.*s", (int)seen.n, seen.n ? seen.p : "");
    pg_array_end(&r);
    buf_free(&seen);
    CHECK_STR(copy, strlen(copy), want);
}

TEST("plain elements come as they are")
{
    check("{1,2,3}", "1|2|3");
    check("{1}", "1");
    check("{2024-01-01,-5.5}", "2024-01-01|-5.5");
}

TEST("an empty array has none")
{
    check("{}", "");
}

TEST("NULL without quotes is NULL, with quotes it is a word")
{
    check("{NULL,\"NULL\",\"null\"}", "<null>|NULL|null");
}

TEST("quotes and backslashes are undone")
{
    check("{\"a b\",\"c,d\",\"e\\\"f\",\"g\\\\h\",\"\",\"{}\"}", "a b|c,d|e\"f|g\\h||{}");
}

TEST("an array inside is given as its own text")
{
    check("{{1,2},{3,4}}", "{1,2}|{3,4}");
    check("{{\"}\",\"a\\\"}\"},{x,y}}", "{\"}\",\"a\\\"}\"}|{x,y}");
    check("{{{1},{2}}}", "{{1},{2}}");
}

TEST("bounds other than 1 are skipped")
{
    check("[0:2]={7,8,9}", "7|8|9");
    check("[-1:0][2:3]={{1,2},{3,4}}", "{1,2}|{3,4}");
}

TEST("what is no array is not begun")
{
    struct pg_array_reader r;
    const char *const others[] = {"", "{", "}", "1,2", "[0:1]", "[0:1]=", "{1,2"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!pg_array_begin(&r, slice_str(others[i])));
}

TEST("a text that is cut anywhere ends and reads nothing beyond it")
{
    const char text[] = "{{\"a\\\"b\",NULL},{c,\"\"}}";
    struct slice element;
    bool is_null, is_array;

    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = malloc(n + 3); /* an exact block, so that the sanitizer sees one byte too many */
        struct pg_array_reader r;
        copy[0] = '{';
        memcpy(copy + 1, text, n);
        copy[n + 1] = '}';
        if (pg_array_begin(&r, slice_of(copy, n + 2)))
            for (int i = 0; i < 100 && pg_array_next(&r, &element, &is_null, &is_array); i++)
                ;
        pg_array_end(&r);
        free(copy);
    }
}
