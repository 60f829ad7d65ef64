/* The official JSON-Schema-Test-Suite, draft 2020-12: for each schema that our nodes can say, the verdict of each test is
 * the same. What they can't say is counted by its keyword; docs/json.md lists it. */
#include "core/plan/plan.c"
#include "spec/core/plan/schema_translate.h"
#include "spec/core/plan/suite.h"

/* Verdicts that differ, on purpose. docs/json.md says why. */
struct difference {
    const char *file, *schema, *test;
};
static const struct difference differences[] = {
    {"format.json", "email format", "invalid email string is only an annotation by default"},
    {"format.json", "date format", "invalid date string is only an annotation by default"},
    {"format.json", "date-time format", "invalid date-time string is only an annotation by default"},
    {"format.json", "uri format", "invalid uri string is only an annotation by default"},
    {"format.json", "uuid format", "invalid uuid string is only an annotation by default"},
    {"email.json", "validation of e-mail addresses", "a quoted string with a space in the local part is valid"},
    {"email.json", "validation of e-mail addresses", "a quoted string with a double dot in the local part is valid"},
    {"email.json", "validation of e-mail addresses", "a quoted string with a @ in the local part is valid"},
    {"email.json", "validation of e-mail addresses", "an IPv4-address-literal after the @ is valid"},
    {"email.json", "validation of e-mail addresses", "an IPv6-address-literal after the @ is valid"},
    {"email.json", "validation of e-mail addresses", "dot before local part is not valid"},
    {"email.json", "validation of e-mail addresses", "dot after local part is not valid"},
    {"email.json", "validation of e-mail addresses", "two subsequent dots inside local part are not valid"},
    {"uri.json", "validation of URIs", "a valid URL with ftp scheme"},
    {"uri.json", "validation of URIs", "a valid URL"},
    {"uri.json", "validation of URIs", "a valid mailto URI"},
    {"uri.json", "validation of URIs", "a valid newsgroup URI"},
    {"uri.json", "validation of URIs", "a valid tel URI"},
    {"uri.json", "validation of URIs", "a valid URN"},
    {"uri.json", "validation of URIs", "URI with leading-zero IPv4 is structurally valid as a reg-name"},
    {"uri.json", "validation of URIs", "URI with out-of-bounds IPv4 is structurally valid as a reg-name"},
};
enum { DIFFERENCES = sizeof differences / sizeof differences[0] };

static struct {
    unsigned schemas, same, differ, unsaid, wrong;
    struct {
        char what[64];
        unsigned n;
    } reasons[64];
    unsigned n_reasons;
} count;

static void count_unsaid(const char *what)
{
    unsigned i = 0;
    count.unsaid++;
    while (i < count.n_reasons && strcmp(count.reasons[i].what, what) != 0)
        i++;
    if (i == 64)
        return;
    if (i == count.n_reasons)
        snprintf(count.reasons[count.n_reasons++].what, 64, "%s", what);
    count.reasons[i].n++;
}

static bool is(struct slice s, const char *text)
{
    return slice_eq(s, slice_str(text));
}

static bool is_difference(const char *file, struct slice schema, struct slice test)
{
    for (unsigned i = 0; i < DIFFERENCES; i++)
        if (strcmp(differences[i].file, file) == 0 && is(schema, differences[i].schema) && is(test, differences[i].test))
            return true;
    return false;
}

/* Refused for anything but a type that the schema did not name. */
static bool is_refused(const struct plan *p, const struct json_doc *doc, uint32_t data)
{
    struct arena a = {0};
    struct plan_errors errs = {.n = 0};
    struct json_doc out;
    bool refused = false;

    (void)!plan_check(p, doc, data, PLAN_JSON, "", &a, &out, &errs);
    for (unsigned i = 0; i < errs.n; i++) {
        const struct plan_error *e = &errs.list[i];
        bool is_type = strcmp(e->code, "type") == 0 || strcmp(e->code, "null_not_allowed") == 0;
        refused |= !(is_type && is(e->message, IMPLIED));
    }
    arena_free(&a);
    return refused;
}

static void check_test(const char *file, const struct translation *t, struct slice schema, uint32_t test)
{
    struct slice name = node_at(t, find(t, test, "description"))->s;
    bool valid = node_at(t, find(t, test, "valid"))->type == JSON_TRUE;
    bool same = is_refused(t->plan, t->doc, find(t, test, "data")) == !valid;

    bool want_same = !is_difference(file, schema, name);

    count.same += same;
    count.differ += !same;
    if (same == want_same)
        return;
    count.wrong++;
    printf("  %s: %.*s: %.*s: should be %s\n", file, (int)schema.n, schema.p, (int)name.n, name.p,
           !want_same ? "listed no more as a difference"
           : valid    ? "taken"
                      : "refused");
}

static void check_schema(const char *file, const struct json_doc *doc, uint32_t group)
{
    struct translation t = {.plan = plan_new(), .doc = doc};
    struct slice name = node_at(&t, find(&t, group, "description"))->s;
    char err[ERR_MAX];
    struct plan_node *root = translate(&t, find(&t, group, "schema"));

    if (root == NULL || plan_finish(t.plan, root, err) != 0) {
        count_unsaid(root == NULL ? t.cannot : err);
    } else {
        uint32_t tests = find(&t, group, "tests"), at = tests + 1;
        count.schemas++;
        for (uint32_t i = 0; i < node_at(&t, tests)->count; i++, at = node_at(&t, at)->next)
            check_test(file, &t, name, at);
    }
    plan_free(t.plan);
}

/* Our reader refuses a NUL in a string, whose place another control character takes. */
static void without_nul(struct buf *text)
{
    for (size_t i = 0; i + 6 <= text->n; i++)
        if (memcmp(text->p + i, "\\u0000", 6) == 0)
            text->p[i + 5] = '1';
}

static void check_file(const char *path, const char *file)
{
    struct arena a = {0};
    struct buf text = suite_read(path);
    struct json_doc doc;
    struct json_error err;

    without_nul(&text);
    if (json_read(buf_view(&text), 100, &a, &doc, &err) != JSON_OK)
        count_unsaid(err.message); /* integers past 64 bits */
    else
        for (uint32_t at = 1, i = 0; i < doc.nodes[0].count; i++, at = doc.nodes[at].next)
            check_schema(file, &doc, at);
    buf_free(&text);
    arena_free(&a);
}

static void report(const char *what)
{
    printf("  %s: %u schemas, %u tests with the same verdict, %u with another on purpose; %u schemas not to be said:\n",
           what, count.schemas, count.same, count.differ, count.unsaid);
    for (unsigned i = 0; i < count.n_reasons; i++)
        printf("    %3u %s\n", count.reasons[i].n, count.reasons[i].what);
    unsigned wrong = count.wrong;
    memset(&count, 0, sizeof count);
    CHECK_INT(wrong, 0);
}

TEST("our own cases have the verdict that they say")
{
    check_file("spec/core/plan/schema_cases.json", "schema_cases.json");
    CHECK(count.schemas >= 30 && count.same >= 180 && count.unsaid == 0);
    report("our own");
}

TEST("the official suite has the same verdict wherever our schemas can say the same")
{
    char folder[4096];
    if (!suite_find(folder, "JSON_SCHEMA_SUITE", "JSON-Schema-Test-Suite", "tests/draft2020-12"))
        return;
    suite_each(folder, check_file);
    report("JSON-Schema-Test-Suite, draft 2020-12");
}

static void check_format_file(const char *path, const char *file)
{
    static const char *const ours[] = {"uuid.json", "email.json", "date.json", "date-time.json", "uri.json", NULL};
    if (is_among(slice_str(file), ours))
        check_file(path, file);
}

TEST("the formats that our schemas have give the verdicts of the official suite")
{
    char folder[4096];
    if (!suite_find(folder, "JSON_SCHEMA_SUITE", "JSON-Schema-Test-Suite", "tests/draft2020-12/optional/format"))
        return;
    suite_each(folder, check_format_file);
    report("optional/format");
}

static void check_pattern_file(const char *path, const char *file)
{
    if (strcmp(file, "ecmascript-regex.json") == 0 || strcmp(file, "non-bmp-regex.json") == 0 ||
        strcmp(file, "float-overflow.json") == 0)
        check_file(path, file);
}

TEST("patterns mean what ECMAScript means")
{
    char folder[4096];
    if (!suite_find(folder, "JSON_SCHEMA_SUITE", "JSON-Schema-Test-Suite", "tests/draft2020-12/optional"))
        return;
    suite_each(folder, check_pattern_file);
    report("optional patterns");
}
