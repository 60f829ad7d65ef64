#include "core/plan/check_unique.c"
#include "spec/core/plan/plan_fixture.h"

static int repeat_in(const char *text)
{
    struct arena a = {0};
    struct json_doc doc = fixture_doc(&a, text);
    uint32_t i = check_find_repeat(&a, doc.nodes, 0);
    int found = i == doc.nodes[0].count ? -1 : (int)i;
    arena_free(&a);
    return found;
}

TEST("scalars repeat by value and type")
{
    CHECK_INT(repeat_in("[]"), -1);
    CHECK_INT(repeat_in("[1]"), -1);
    CHECK_INT(repeat_in("[1,2,1]"), 2);
    CHECK_INT(repeat_in("[1,true,\"1\",null,false,0,\"\",[],{}]"), -1);
    CHECK_INT(repeat_in("[null,0,null]"), 2);
    CHECK_INT(repeat_in("[true,false,true]"), 2);
    CHECK_INT(repeat_in("[\"abcdefghi\",\"abcdefghj\",\"abcdefghi\"]"), 2);
    CHECK_INT(repeat_in("[\"a\",\"a\\u0001\"]"), -1);
    CHECK_INT(repeat_in("[\"abcdefghijklmnopqrstuvwxyz\",\"abcdefghijklMnopqrstuvwxyz\",\"abcdefghijklmnopqrstuvwxyz\"]"),
              2);
}

TEST("numbers repeat by value, however they are written")
{
    CHECK_INT(repeat_in("[1,1.0]"), 1);
    CHECK_INT(repeat_in("[0,-0.0]"), 1);
    CHECK_INT(repeat_in("[100,1e2]"), 1);
    CHECK_INT(repeat_in("[0.1,0.10]"), 1);
    CHECK_INT(repeat_in("[-9223372036854775808,-9223372036854775808.0]"), 1);
    CHECK_INT(repeat_in("[1e300,1e299]"), -1);
    CHECK_INT(repeat_in("[9007199254740993,9007199254740992.0]"), -1);
    CHECK_INT(repeat_in("[9223372036854775807,9223372036854775808.0]"), -1);
}

TEST("containers repeat by what they hold, objects in any order")
{
    CHECK_INT(repeat_in("[[1,2],[2,1],[1,2]]"), 2);
    CHECK_INT(repeat_in("[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]"), 1);
    CHECK_INT(repeat_in("[{\"a\":1,\"b\":2},{\"a\":2,\"b\":1}]"), -1);
    CHECK_INT(repeat_in("[{\"a\":[{\"x\":1,\"y\":[]}]},{\"a\":[{\"y\":[],\"x\":1.0}]}]"), 1);
    CHECK_INT(repeat_in("[[[]],[],[[[]]]]"), -1);
    CHECK_INT(repeat_in("[[],{}]"), -1);
    CHECK_INT(repeat_in("[[[1],2],[1,[2]]]"), -1);
    CHECK_INT(repeat_in("[{\"a\":{\"b\":1}},{\"b\":{\"a\":1}}]"), -1);
}

TEST("a long array is looked through in one pass")
{
    enum { N = 50000 };
    struct buf text = BUF_INIT;
    buf_char(&text, '[');
    for (unsigned i = 0; i < N; i++)
        buf_printf(&text, "{\"k%u\":%u,\"z\":[%u]},", i, i * 7, i);
    buf_append(&text, "0]", 3);
    CHECK_INT(repeat_in(text.p), -1);
    text.n -= 3;
    buf_append(&text, "{\"z\":[777.0],\"k777\":5439}]", 27);
    CHECK_INT(repeat_in(text.p), N);
    buf_free(&text);
}

TEST("nesting deeper than a plan can be ends the recursion")
{
    struct buf text = BUF_INIT;
    buf_char(&text, '[');
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < 900; i++)
            buf_char(&text, '[');
        for (unsigned i = 0; i < 900; i++)
            buf_char(&text, ']');
        buf_char(&text, ',');
    }
    buf_append(&text, "0]", 3);
    CHECK_INT(repeat_in(text.p), -1);
    buf_free(&text);
}
