/* nst/JSONTestSuite: files that a reader must take (y_), must refuse (n_), and may do either with (i_). */
#include "core/plan/json_read.c"
#include "spec/core/plan/suite.h"

/* Good JSON, so json_read_grammar takes it, that is refused over the wire all the same: a key that is there twice means two
 * things to two readers, and Postgres has no text with NUL in it. */
static const struct {
    const char *name;
    enum json_status status;
} refused[] = {
    {"y_object_duplicated_key.json", JSON_DUPLICATE_KEY},
    {"y_object_duplicated_key_and_value.json", JSON_DUPLICATE_KEY},
    {"y_object_escaped_null_in_key.json", JSON_NUL},
    {"y_string_null_escape.json", JSON_NUL},
};

/* What is left open; docs/json.md has the same table. The rest of them is not UTF-8, half of a surrogate pair, or too
 * large a number: refused. */
static const char *const open_but_taken[] = {
    "i_number_double_huge_neg_exp.json", /* 0.0 */
    "i_number_real_underflow.json",      /* 0.0 */
};

static unsigned taken, taken_by_grammar, must_take, must_refuse, left_open;

static enum json_status wanted(const char *name)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strcmp(refused[i].name, name) == 0)
            return refused[i].status;
    for (size_t i = 0; i < sizeof open_but_taken / sizeof open_but_taken[0]; i++)
        if (strcmp(open_but_taken[i], name) == 0)
            return JSON_OK;
    return name[0] == 'y' ? JSON_OK : JSON_SYNTAX; /* any reason will do */
}

static enum json_status status_of(const struct buf *text, bool grammar)
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    char *copy = mem_alloc(text->n + 1);
    memcpy(copy, text->p, text->n);
    char *exact = mem_realloc(copy, text->n > 0 ? text->n : 1); /* a sanitizer sees any look past its end */
    struct slice in = slice_of(exact, text->n);
    enum json_status rc = (grammar ? json_read_grammar : json_read)(in, 64, &a, &doc, &err);
    arena_free(&a);
    free(exact);
    return rc;
}

static void check_file(const char *path, const char *name)
{
    struct buf text = suite_read(path);
    enum json_status rc = status_of(&text, false), want = wanted(name), by_grammar = status_of(&text, true);

    buf_free(&text);
    taken_by_grammar += name[0] == 'y' && by_grammar == JSON_OK;
    if (name[0] == 'n' && by_grammar == JSON_OK)
        test_fail(name, (int)by_grammar, "is taken by the grammar");
    taken += rc == JSON_OK;
    must_take += name[0] == 'y';
    must_refuse += name[0] == 'n';
    left_open += name[0] == 'i';
    if (want == JSON_SYNTAX ? rc == JSON_OK : rc != want)
        test_fail(name, (int)rc, want == JSON_OK ? "is refused" : "has another verdict");
}

TEST("JSONTestSuite: what must be taken is taken, what must be refused is refused")
{
    char folder[4096];
    if (!suite_find(folder, "JSON_TEST_SUITE", "JSONTestSuite", "test_parsing"))
        return;
    suite_each(folder, check_file);
    printf("  JSONTestSuite: %u of %u taken, 4 of them not over the wire; %u of %u refused; %u left open\n",
           taken_by_grammar, must_take, must_refuse, must_refuse, left_open);
    CHECK_INT(taken_by_grammar, must_take);
    CHECK_INT(taken, must_take - 4 + 2);
    CHECK(must_take >= 95 && must_refuse >= 188 && left_open >= 35);
}

TEST("very deep nesting is refused without any")
{
    enum { DEEP = 1000000 };
    struct buf text = BUF_INIT;
    memset(buf_reserve(&text, DEEP), '[', DEEP);
    text.n = DEEP;
    CHECK_INT(status_of(&text, false), JSON_DEPTH);
    for (size_t i = 0; i + 5 <= DEEP; i += 5)
        memcpy(text.p + i, "{\"\":[", 5);
    CHECK_INT(status_of(&text, true), JSON_DEPTH);
    buf_free(&text);
}
