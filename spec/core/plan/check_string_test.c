#include "core/plan/check_string.c"
#include "base/log.h"
#include "spec/core/plan/plan_fixture.h"

static struct plan *string(int64_t min, int64_t max)
{
    struct plan *p = plan_new();
    p->root = plan_node_new(p, PLAN_STRING);
    p->root->min = min;
    p->root->max = max;
    return p;
}

TEST("a string's length is counted in code points")
{
    struct plan *p = string(2, 3);
    fixture_finish(p, p->root);
    TAKES(p, "\"ab\"", "\"ab\"");
    TAKES(p, "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"");
    TAKES(p, "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    REFUSES(p, "\"\xf0\x9f\x98\x80\"", "body too_short must be at least 2 characters | 2\n");
    REFUSES(p, "\"a\"", "body too_short must be at least 2 characters | 2\n");
    REFUSES(p, "\"abcd\"", "body too_long must be at most 3 characters | 3\n");
    REFUSES(p, "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", "body too_long must be at most 3 characters | 3\n");
    REFUSES(p, "5", "body type must be a string\n");
    REFUSES(p, "{}", "body type must be a string\n");
    plan_free(p);
}

TEST("one character is not many")
{
    struct plan *p = string(1, 1);
    fixture_finish(p, p->root);
    REFUSES(p, "\"\"", "body too_short must be at least 1 character | 1\n");
    REFUSES(p, "\"ab\"", "body too_long must be at most 1 character | 1\n");
    plan_free(p);
}

TEST("blanks of any script are trimmed before anything is counted")
{
    struct plan *p = string(1, 3);
    p->root->string.trim = true;
    fixture_finish(p, p->root);
    TAKES(p, "\"  a b\\n\"", "\"a b\"");
    TAKES(p, "\"\\u00a0\\u3000\\u2028\\ufeffx\\u2003\\u0085\\t\"", "\"x\"");
    TAKES(p, "\"\\u200b\"", "\"\xe2\x80\x8b\""); /* a zero width space is no blank */
    TAKES(p, "\"\xc3\xa9\"", "\"\xc3\xa9\"");
    TAKES(p, "\"\\ud83d\\ude00 \"", "\"\xf0\x9f\x98\x80\"");
    REFUSES(p, "\" \\n \"", "body too_short must be at least 1 character | 1\n");
    REFUSES(p, "\" abcd \"", "body too_long must be at most 3 characters | 3\n");
    plan_free(p);
}

TEST("lower case is made of ASCII's capitals")
{
    struct plan *p = string(INT64_MIN, INT64_MAX);
    p->root->string.lower = true;
    fixture_finish(p, p->root);
    TAKES(p, "\"Ann@Example.COM[]\"", "\"ann@example.com[]\"");
    TAKES(p, "\"\xc3\x89@`Z{\"", "\"\xc3\x89@`z{\"");
    TAKES(p, "\"none\"", "\"none\"");
    TAKES(p, "\"\"", "\"\"");
    plan_free(p);
}

TEST("a pattern is held against what was trimmed and put in lower case")
{
    struct plan *p = string(INT64_MIN, 6);
    p->root->string.trim = p->root->string.lower = true;
    p->root->string.pattern_text = SLICE_LIT("^[a-z]+$");
    fixture_finish(p, p->root);
    TAKES(p, "\" Slug \"", "\"slug\"");
    REFUSES(p, "\"a-b\"", "body pattern must match the pattern \"^[a-z]+$\" | \"^[a-z]+$\"\n");
    REFUSES(p, "\"too-long\"", "body too_long must be at most 6 characters | 6\n");
    REFUSES(p, "\"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\"",
            "body pattern must match the pattern \"^[a-z]+$\" | \"^[a-z]+$\"\n");
    plan_free(p);
}

TEST("after a pattern that ran out nothing more is looked at")
{
    struct plan *p = string(INT64_MIN, INT64_MAX);
    struct plan_node *text = p->root;
    text->string.pattern_text = SLICE_LIT("^(a+)+$");
    fixture_finish(p, fixture_array(p, text));
    log_open(1, LOG_OFF);
    REFUSES(p, "[\"aa\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\",\"b\"]",
            "body[1] pattern must match the pattern \"^(a+)+$\" | \"^(a+)+$\"\n");
    log_open(1, LOG_INFO);
    plan_free(p);
}

TEST("a pattern too long to show is only in the limit")
{
    char text[300] = "^";
    struct plan *p = string(INT64_MIN, INT64_MAX);
    memset(text + 1, 'a', 200);
    p->root->string.pattern_text = slice_str(text);
    fixture_finish(p, p->root);
    struct arena a = {0};
    struct json_doc in = fixture_doc(&a, "\"b\""), out;
    struct plan_errors errs = {.n = 0};
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 1);
    CHECK_STR(errs.list[0].message.p, errs.list[0].message.n, "does not have the right form");
    CHECK_INT(errs.list[0].limit.n, 203);
    arena_free(&a);
    plan_free(p);
}

TEST("an enum is one of its values")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_enum(p, 3, "low", "high", "\"odd\""));
    TAKES(p, "\"low\"", "\"low\"");
    TAKES(p, "\"high\"", "\"high\"");
    TAKES(p, "\"\\\"odd\\\"\"", "\"\\\"odd\\\"\"");
    REFUSES(p, "\"Low\"",
            "body enum must be one of \"low\", \"high\", \"\\\"odd\\\"\" | [\"low\", \"high\", \"\\\"odd\\\"\"]\n");
    REFUSES(p, "\"\"",
            "body enum must be one of \"low\", \"high\", \"\\\"odd\\\"\" | [\"low\", \"high\", \"\\\"odd\\\"\"]\n");
    REFUSES(p, "1", "body type must be a string\n");
    plan_free(p);
}

static void check_format_of(enum plan_kind kind, const char *good, const char *want, const char *bad, const char *why)
{
    struct plan *p = plan_new();
    fixture_finish(p, plan_node_new(p, kind));
    TAKES(p, good, want);
    REFUSES(p, bad, why);
    REFUSES(p, "7",
            kind == PLAN_DECIMAL ? "body type must be a decimal number in a string, such as \"12.50\"\n"
                                 : "body type must be a string\n");
    plan_free(p);
}

TEST("formats are checked, and a UUID is put in lower case")
{
    check_format_of(PLAN_UUID, "\"0191E4B2-7c1d-7a3b-9f00-8a7c5d3e1f20\"", "\"0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f20\"",
                    "\"0191e4b2\"", "body uuid must be a UUID\n");
    check_format_of(PLAN_EMAIL, "\"Ann@example.com\"", "\"Ann@example.com\"", "\"ann\"",
                    "body email must be an email address\n");
    check_format_of(PLAN_URL, "\"https://example.com/x\"", "\"https://example.com/x\"", "\"javascript:alert(1)\"",
                    "body url must be a URL such as https://example.com/page\n");
    check_format_of(PLAN_DATE, "\"2024-02-29\"", "\"2024-02-29\"", "\"2026-02-29\"",
                    "body date must be a date such as 2026-02-28\n");
    check_format_of(PLAN_DATETIME, "\"2026-11-20T18:36:00.25+01:00\"", "\"2026-11-20T18:36:00.25+01:00\"",
                    "\"2026-11-20T18:36:00\"",
                    "body datetime must be a date and time with its offset, such as 2026-02-28T18:30:00Z\n");
    check_format_of(PLAN_DECIMAL, "\"-12.50\"", "\"-12.50\"", "\"12,50\"",
                    "body decimal must be a decimal number in a string, such as \"12.50\"\n");
}

TEST("a decimal has the digits that its column has")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_DECIMAL);
    node->decimal.precision = 5;
    node->decimal.scale = 2;
    fixture_finish(p, node);
    TAKES(p, "\"-999.99\"", "\"-999.99\"");
    TAKES(p, "\"0.5\"", "\"0.5\"");
    REFUSES(p, "\"1000\"", "body decimal must have at most 3 digits before the point and 2 behind it\n");
    REFUSES(p, "\"0.125\"", "body decimal must have at most 3 digits before the point and 2 behind it\n");
    plan_free(p);
}

TEST("a URL has a scheme that is allowed")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_URL);
    static struct slice schemes[] = {{"s3", 2}, {"gs", 2}};
    node->url.schemes = schemes;
    node->url.n_schemes = 2;
    node->max = 12;
    fixture_finish(p, node);
    TAKES(p, "\"gs://bucket\"", "\"gs://bucket\"");
    REFUSES(p, "\"gs://bucket/x\"", "body too_long must be at most 12 characters | 12\n");
    REFUSES(p, "\"https://a\"",
            "body url must be a URL with a host and one of the schemes \"s3\", \"gs\" | [\"s3\", \"gs\"]\n");
    plan_free(p);
}

TEST("an email address has a length too")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_EMAIL);
    node->max = 10;
    fixture_finish(p, node);
    TAKES(p, "\"a@bc.de.fg\"", "\"a@bc.de.fg\"");
    REFUSES(p, "\"a@bc.de.fgh\"", "body too_long must be at most 10 characters | 10\n");
    plan_free(p);
}

TEST("a file comes by a form and has a size")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_FILE);
    node->min = 2;
    node->max = 4;
    fixture_finish(p, node);
    TAKES_TEXT(p, "\"\xc3\xa9\xc3\xa9\"", "\"\xc3\xa9\xc3\xa9\"");
    REFUSES_TEXT(p, "\"\xc3\xa9\xc3\xa9x\"", "body too_long must be at most 4 bytes | 4\n");
    REFUSES_TEXT(p, "\"x\"", "body too_short must be at least 2 bytes | 2\n");
    REFUSES(p, "\"abc\"", "body type must be a file, sent in a form\n");
    plan_free(p);
}
