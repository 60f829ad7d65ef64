#include "core/plan/check_errors.c"
#include "spec/core/plan/plan_fixture.h"

TEST("at most 64 errors are listed, and it is told that there were more")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_array(p, plan_node_new(p, PLAN_INTEGER)));
    struct arena a = {0};
    struct buf text = BUF_INIT;
    struct plan_errors errs = {.n = 0};
    struct json_doc out;
    buf_char(&text, '[');
    for (int i = 0; i < 64; i++)
        buf_str(&text, i > 0 ? ",null" : "null");
    buf_append(&text, "]", 2);
    struct json_doc in = fixture_doc(&a, text.p);
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 64);
    CHECK_INT(errs.n, 64);
    CHECK(!errs.more);
    CHECK_STR(errs.list[63].field.p, errs.list[63].field.n, "body[63]");

    text.n -= 2;
    buf_append(&text, ",null,null]", 12);
    in = fixture_doc(&a, text.p);
    errs.n = 0;
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 65);
    CHECK_INT(errs.n, 64);
    CHECK(errs.more);
    buf_free(&text);
    arena_free(&a);
    plan_free(p);
}

TEST("a list that is full already still refuses")
{
    struct plan *p = plan_new();
    fixture_finish(p, plan_node_new(p, PLAN_INTEGER));
    struct arena a = {0};
    struct plan_errors errs = {.n = PLAN_ERRORS_MAX};
    struct json_doc in = fixture_doc(&a, "null"), out;
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 1);
    CHECK(errs.more);
    CHECK(out.nodes == NULL);
    errs.more = false;
    plan_error_add(&errs, &a, SLICE_LIT("body"), "type", SLICE_LIT("is wrong"), slice_of(NULL, 0));
    CHECK(errs.more && errs.n == PLAN_ERRORS_MAX);
    arena_free(&a);
    plan_free(p);
}

TEST("errors of several places come one after another")
{
    struct plan *p = plan_new();
    fixture_finish(p, plan_node_new(p, PLAN_INTEGER));
    struct arena a = {0};
    struct buf shown = BUF_INIT;
    struct plan_errors errs = {.n = 0};
    struct json_doc in = fixture_doc(&a, "null"), out;
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "query", &a, &out, &errs), 1);
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 1);
    fixture_show_errors(&shown, &errs);
    CHECK_STR(shown.p, shown.n, "query null_not_allowed must not be null\nbody null_not_allowed must not be null\n");
    buf_free(&shown);
    arena_free(&a);
    plan_free(p);
}

TEST("a message of one's own stands for all of ours")
{
    struct plan *p = plan_new();
    struct plan_node *title = plan_node_new(p, PLAN_STRING);
    title->message = SLICE_LIT("Give it a title");
    title->min = 1;
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "title", title));
    REFUSES(p, "{\"title\":\"\"}", "body.title too_short Give it a title | 1\n");
    REFUSES(p, "{}", "body.title required Give it a title\n");
    REFUSES(p, "{\"title\":null}", "body.title null_not_allowed Give it a title\n");
    plan_free(p);
}

static struct slice path_for(struct arena *a, const char *root, const struct place *place)
{
    struct check c = {.root = root, .place = place, .arena = a};
    return path_of(&c);
}

static void check_key_is(struct slice key, const char *want)
{
    struct arena a = {0};
    struct place place = {.key = key};
    struct slice path = path_for(&a, "body", &place);
    CHECK_STR(path.p, path.n, want);
    arena_free(&a);
}

TEST("a place is written so that it can't be taken for another")
{
    check_key_is(SLICE_LIT("title"), "body.title");
    check_key_is(SLICE_LIT("x-request-id"), "body.x-request-id");
    check_key_is(SLICE_LIT("_a$9Z"), "body._a$9Z");
    check_key_is(SLICE_LIT("a.b"), "body[\"a.b\"]");
    check_key_is(SLICE_LIT(""), "body[\"\"]");
    check_key_is(SLICE_LIT("a\"]\\"), "body[\"a\\\"]\\\\\"]");
    check_key_is(SLICE_LIT("a\nb\x7f"), "body[\"a?b?\"]");
    check_key_is(SLICE_LIT("\xc3\xa9"), "body[\"\xc3\xa9\"]");
    check_key_is(SLICE_LIT("a\xff\xc3"), "body[\"a??\"]");
    check_key_is(slice_of(NULL, 0), "body[\"\"]");
}

TEST("a place without a root begins with its first step")
{
    struct arena a = {0};
    struct place outer = {.key = SLICE_LIT("items")}, inner = {.up = &outer, .is_index = true, .index = 4294967295u};
    struct slice path = path_for(&a, "", &inner);
    CHECK_STR(path.p, path.n, "items[4294967295]");
    path = path_for(&a, "", NULL);
    CHECK_INT(path.n, 0);
    arena_free(&a);
}

TEST("a place that is too long is cut between two characters")
{
    char key[400];
    memset(key, 'a', sizeof key);
    struct arena a = {0};
    struct place place = {.key = slice_of(key, sizeof key)};
    struct slice path = path_for(&a, "body", &place);
    CHECK_INT(path.n, PLAN_FIELD_BYTES_MAX);
    CHECK(memcmp(path.p + path.n - 4, "a...", 4) == 0);
    for (size_t i = 0; i < sizeof key; i += 2)
        memcpy(key + i, "\xc3\xa9", 2);
    path = path_for(&a, "body", &place);
    CHECK(utf8_is_valid(path) && path.n <= PLAN_FIELD_BYTES_MAX && path.n > PLAN_FIELD_BYTES_MAX - 4);
    CHECK(memcmp(path.p + path.n - 3, "...", 3) == 0);
    arena_free(&a);
}

TEST("errors are written as JSON")
{
    struct arena a = {0};
    struct buf out = BUF_INIT;
    struct plan_errors errs = {.n = 0};
    plan_errors_write(&errs, &out);
    CHECK_STR(out.p, out.n, "[]");
    buf_clear(&out);
    plan_error_add(&errs, &a, SLICE_LIT("body.title"), "too_long", SLICE_LIT("must be at most 5 characters"),
                   SLICE_LIT("5"));
    plan_error_add(&errs, &a, SLICE_LIT("body[\"a\"]"), "type", SLICE_LIT("must be \"x\""), slice_of(NULL, 0));
    plan_errors_write(&errs, &out);
    CHECK_STR(out.p, out.n,
              "[{\"field\":\"body.title\",\"code\":\"too_long\",\"message\":\"must be at most 5 characters\",\"limit\":5},"
              "{\"field\":\"body[\\\"a\\\"]\",\"code\":\"type\",\"message\":\"must be \\\"x\\\"\"}]");
    buf_free(&out);
    arena_free(&a);
}
