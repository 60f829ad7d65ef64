#include "core/plan/check_text.c"
#include "spec/core/plan/plan_fixture.h"

static struct plan *field(struct plan *p, struct plan_node *node)
{
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_DROP, 1, "x", node));
    return p;
}

static struct plan *of_kind(enum plan_kind kind)
{
    struct plan *p = plan_new();
    return field(p, plan_node_new(p, kind));
}

TEST("text becomes the integer that is declared, or is none")
{
    struct plan *p = of_kind(PLAN_INTEGER);
    TAKES_TEXT(p, "{\"x\":\"-12\"}", "{\"x\":-12}");
    TAKES_TEXT(p, "{\"x\":\"9223372036854775807\"}", "{\"x\":9223372036854775807}");
    REFUSES_TEXT(p, "{\"x\":\"9223372036854775808\"}", "body.x type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":\"1.0\"}", "body.x type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":\"\"}", "body.x type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":\" 1\"}", "body.x type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":\"+1\"}", "body.x type must be an integer\n");
    plan_free(p);
}

TEST("text becomes the number that is declared, or is none")
{
    struct plan *p = of_kind(PLAN_NUMBER);
    TAKES_TEXT(p, "{\"x\":\"0.5\"}", "{\"x\":0.5}");
    TAKES_TEXT(p, "{\"x\":\"5\"}", "{\"x\":5}");
    TAKES_TEXT(p, "{\"x\":\"1e3\"}", "{\"x\":1000.0}");
    REFUSES_TEXT(p, "{\"x\":\"nan\"}", "body.x type must be a number\n");
    REFUSES_TEXT(p, "{\"x\":\"inf\"}", "body.x type must be a number\n");
    REFUSES_TEXT(p, "{\"x\":\"0x10\"}", "body.x type must be a number\n");
    REFUSES_TEXT(p, "{\"x\":\"1e999\"}", "body.x type must be a number\n");
    REFUSES_TEXT(p, "{\"x\":\"1,5\"}", "body.x type must be a number\n");
    plan_free(p);
}

TEST("text becomes true or false by four words")
{
    struct plan *p = of_kind(PLAN_BOOLEAN);
    TAKES_TEXT(p, "{\"x\":\"true\"}", "{\"x\":true}");
    TAKES_TEXT(p, "{\"x\":\"1\"}", "{\"x\":true}");
    TAKES_TEXT(p, "{\"x\":\"false\"}", "{\"x\":false}");
    TAKES_TEXT(p, "{\"x\":\"0\"}", "{\"x\":false}");
    REFUSES_TEXT(p, "{\"x\":\"yes\"}", "body.x type must be true or false\n");
    REFUSES_TEXT(p, "{\"x\":\"True\"}", "body.x type must be true or false\n");
    plan_free(p);
}

TEST("text becomes the literal that is declared")
{
    struct plan *p = plan_new();
    field(p, fixture_literal(p, "2"));
    TAKES_TEXT(p, "{\"x\":\"2\"}", "{\"x\":2}");
    REFUSES_TEXT(p, "{\"x\":\"3\"}", "body.x literal must be 2 | 2\n");
    plan_free(p);
    p = plan_new();
    field(p, fixture_literal(p, "true"));
    TAKES_TEXT(p, "{\"x\":\"1\"}", "{\"x\":true}");
    REFUSES_TEXT(p, "{\"x\":\"0\"}", "body.x literal must be true | true\n");
    plan_free(p);
    p = plan_new();
    field(p, fixture_literal(p, "\"2\""));
    TAKES_TEXT(p, "{\"x\":\"2\"}", "{\"x\":\"2\"}");
    plan_free(p);
}

TEST("text stays text where a string is declared")
{
    struct plan *p = of_kind(PLAN_STRING);
    TAKES_TEXT(p, "{\"x\":\"12\"}", "{\"x\":\"12\"}");
    TAKES_TEXT(p, "{\"x\":\"\"}", "{\"x\":\"\"}");
    REFUSES_TEXT(p, "{\"x\":[\"1\",\"2\"]}", "body.x type must be there only once\n");
    plan_free(p);
    p = of_kind(PLAN_ANY);
    TAKES_TEXT(p, "{\"x\":\"12\"}", "{\"x\":\"12\"}");
    plan_free(p);
}

TEST("one value where an array is declared is an array of one")
{
    struct plan *p = plan_new();
    struct plan_node *node = fixture_array(p, plan_node_new(p, PLAN_INTEGER));
    node->max = 2;
    field(p, node);
    TAKES_TEXT(p, "{\"x\":\"1\"}", "{\"x\":[1]}");
    TAKES_TEXT(p, "{\"x\":[\"1\",\"2\"]}", "{\"x\":[1,2]}");
    TAKES_TEXT(p, "{\"x\":[]}", "{\"x\":[]}");
    REFUSES_TEXT(p, "{\"x\":\"a\"}", "body.x[0] type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":[\"1\",\"a\"]}", "body.x[1] type must be an integer\n");
    REFUSES_TEXT(p, "{\"x\":[\"1\",\"2\",\"3\"]}", "body.x too_many must have at most 2 items | 2\n");
    REFUSES(p, "{\"x\":\"1\"}", "body.x type must be an array\n");
    plan_free(p);
}

TEST("nothing typed into an optional field is no value, but for a string it is the empty one")
{
    struct plan *p = plan_new();
    struct plan_node *choice = fixture_optional(fixture_enum(p, 2, "a", "")),
                     *strict = fixture_optional(fixture_enum(p, 1, "a"));
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 6, "n", fixture_optional(plan_node_new(p, PLAN_INTEGER)), "d",
                                     fixture_default(p, plan_node_new(p, PLAN_DATE), "\"2026-11-20\""), "s",
                                     fixture_optional(plan_node_new(p, PLAN_STRING)), "c", choice, "e", strict, "l",
                                     fixture_optional(fixture_array(p, plan_node_new(p, PLAN_INTEGER)))));
    TAKES_TEXT(p, "{\"n\":\"\",\"d\":\"\",\"s\":\"\",\"c\":\"\",\"e\":\"\",\"l\":\"\"}",
               "{\"s\":\"\",\"c\":\"\",\"d\":\"2026-11-20\"}");
    TAKES_TEXT(p, "{\"n\":\"1\",\"d\":\"2026-01-01\"}", "{\"n\":1,\"d\":\"2026-01-01\"}");
    REFUSES(p, "{\"n\":\"\"}", "body.n type must be an integer\n");
    plan_free(p);
}

static void check_bytes(const struct plan *p, struct slice text, const char *want)
{
    struct arena a = {0};
    struct buf shown = BUF_INIT;
    struct json_node nodes[] = {
        {.type = JSON_OBJECT, .next = 3, .count = 1},
        {.type = JSON_STRING, .next = 2, .s = SLICE_LIT("x")},
        {.type = JSON_STRING, .next = 3, .s = text},
    };
    struct json_doc in = {nodes, 3}, out;
    struct plan_errors errs = {.n = 0};
    if (plan_check(p, &in, 0, PLAN_TEXT, "query", &a, &out, &errs) == 0)
        CHECK_INT(fixture_show(&shown, &out, 0), out.n);
    fixture_show_errors(&shown, &errs);
    CHECK_STR(shown.p, shown.n, want);
    buf_free(&shown);
    arena_free(&a);
}

TEST("text is UTF-8 without NUL, but a file is any bytes")
{
    struct plan *p = of_kind(PLAN_STRING);
    check_bytes(p, SLICE_LIT("a\xff"), "query.x type must be text in UTF-8 without NUL\n");
    check_bytes(p, SLICE_LIT("a\0b"), "query.x type must be text in UTF-8 without NUL\n");
    check_bytes(p, SLICE_LIT(""), "{\"x\":\"\"}");
    plan_free(p);
    p = of_kind(PLAN_ANY);
    check_bytes(p, SLICE_LIT("\xed\xa0\x80"), "query.x type must be text in UTF-8 without NUL\n");
    plan_free(p);
    p = plan_new();
    field(p, fixture_array(p, plan_node_new(p, PLAN_STRING)));
    check_bytes(p, SLICE_LIT("\xff"), "query.x[0] type must be text in UTF-8 without NUL\n");
    plan_free(p);
    p = of_kind(PLAN_FILE);
    check_bytes(p, SLICE_LIT("a\0\xff"), "{\"x\":\"a\\u0000\xef\xbf\xbd\"}");
    plan_free(p);
}
