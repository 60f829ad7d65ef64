/* For each kind of node, values that a generator makes up: what is checked, written, read and checked again is equal, and
 * a wrong one among right ones is refused at its place. The seed is fixed: a failure comes again. */
#include "core/plan/check.c"
#include "spec/core/plan/property_containers.h"

enum { VALUES = 10000, VALUES_PER_DOCUMENT = 4 };

static const struct kind kinds[] = {
    {PLAN_ANY, PLAN_JSON, make_any, right_any, NULL},
    {PLAN_BOOLEAN, PLAN_JSON, make_boolean, right_boolean, wrong_boolean},
    {PLAN_INTEGER, PLAN_JSON, make_integer, right_integer, wrong_integer},
    {PLAN_NUMBER, PLAN_JSON, make_number, right_number, wrong_number},
    {PLAN_DECIMAL, PLAN_JSON, make_decimal, right_decimal, wrong_decimal},
    {PLAN_STRING, PLAN_JSON, make_string, right_string, wrong_string},
    {PLAN_STRING, PLAN_JSON, make_pattern, right_pattern, wrong_pattern},
    {PLAN_UUID, PLAN_JSON, make_uuid, right_uuid, wrong_uuid},
    {PLAN_EMAIL, PLAN_JSON, make_email, right_email, wrong_email},
    {PLAN_URL, PLAN_JSON, make_url, right_url, wrong_url},
    {PLAN_DATE, PLAN_JSON, make_date, right_date, wrong_date},
    {PLAN_DATETIME, PLAN_JSON, make_datetime, right_datetime, wrong_datetime},
    {PLAN_ENUM, PLAN_JSON, make_enum, right_enum, wrong_enum},
    {PLAN_LITERAL, PLAN_JSON, make_literal, right_literal, wrong_literal},
    {PLAN_ARRAY, PLAN_JSON, make_array, right_array, wrong_array},
    {PLAN_OBJECT, PLAN_JSON, make_object, right_object, wrong_object},
    {PLAN_MAP, PLAN_JSON, make_map, right_map, wrong_map},
    {PLAN_UNION, PLAN_JSON, make_union, right_union, wrong_union},
    {PLAN_FILE, PLAN_TEXT, make_file, right_file, wrong_file},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- documents around them ---- */

static struct plan *plan_around(const struct kind *kind)
{
    struct plan *p = plan_new();
    struct plan_node *map = plan_node_new(p, PLAN_MAP);
    struct plan_node *item = fixture_object(p, PLAN_EXTRA_REFUSE, 1, "v", kind->make(p));

    map->map.values = kind->make(p);
    fixture_finish(
        p, fixture_object(p, PLAN_EXTRA_REFUSE, 3, "direct", kind->make(p), "list", fixture_array(p, item), "map", map));
    return p;
}

/* Four values; the one with the number `bad` (none: 4) is wrong. */
static struct wrong put_document(struct buf *out, const struct kind *kind, unsigned bad)
{
    static const char *const before[VALUES_PER_DOCUMENT] = {
        "{\"direct\":", ",\"list\":[{\"v\":", "},{\"v\":", "}],\"map\":{\"k y\":"};
    struct wrong wrong = {"", ""};

    for (unsigned i = 0; i < VALUES_PER_DOCUMENT; i++) {
        buf_str(out, before[i]);
        if (i == bad)
            wrong = kind->wrong(out);
        else
            kind->right(out);
    }
    buf_append(out, "}}", 3);
    out->n--;
    return wrong;
}

static struct json_doc read_whole(const struct buf *text, struct arena *a)
{
    struct json_doc doc;
    struct json_error err;
    if (json_read(buf_view(text), 64, a, &doc, &err) != JSON_OK) {
        printf("  %.*s\n", (int)text->n, text->p);
        test_fail(__FILE__, __LINE__, err.message);
    }
    return doc;
}

static struct json_doc checked(const struct plan *p, const struct kind *kind, const struct buf *text, struct arena *a)
{
    struct json_doc in = read_whole(text, a), out;
    struct plan_errors errs = {.n = 0};

    if (plan_check(p, &in, 0, kind->source, "body", a, &out, &errs) != 0) {
        struct buf shown = BUF_INIT;
        fixture_show_errors(&shown, &errs);
        printf("  %s: %.*s\n  %.*s", plan_kind_names[kind->kind], (int)text->n, text->p, (int)shown.n, shown.p);
        test_fail(__FILE__, __LINE__, "a right value is refused");
    }
    return out;
}

static bool is_same(const struct json_doc *a, const struct json_doc *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct json_node *x = &a->nodes[i], *y = &b->nodes[i];
        if (x->type != y->type || x->next != y->next)
            return false;
        if (x->type == JSON_STRING  ? !slice_eq(x->s, y->s)
            : x->type >= JSON_ARRAY ? x->count != y->count
                                    : x->type >= JSON_INT && x->i != y->i) /* a double's bits too */
            return false;
    }
    return true;
}

TEST("ten thousand values of each kind are the same after they were written and read again")
{
    state = 20261120;
    for (unsigned k = 0; k < KINDS; k++) {
        struct plan *p = plan_around(&kinds[k]);
        struct arena a = {0};
        struct buf text = BUF_INIT, again = BUF_INIT;
        for (unsigned i = 0; i < VALUES / VALUES_PER_DOCUMENT; i++) {
            buf_clear(&text);
            buf_clear(&again);
            put_document(&text, &kinds[k], VALUES_PER_DOCUMENT);
            struct json_doc first = checked(p, &kinds[k], &text, &a);
            CHECK_INT(fixture_show(&again, &first, 0), first.n);
            struct json_doc second = checked(p, &kinds[k], &again, &a);
            if (!is_same(&first, &second))
                test_fail(plan_kind_names[kinds[k].kind], (int)i, "the value changed");
            arena_reset(&a);
        }
        buf_free(&text);
        buf_free(&again);
        arena_free(&a);
        plan_free(p);
    }
}

static void check_wrong_one(const struct plan *p, const struct kind *kind, struct buf *text, struct arena *a)
{
    static const char *const places[VALUES_PER_DOCUMENT] = {"body.direct", "body.list[0].v", "body.list[1].v",
                                                            "body.map[\"k y\"]"};
    unsigned bad = below(VALUES_PER_DOCUMENT);
    struct wrong wrong = put_document(text, kind, bad);
    struct json_doc in = read_whole(text, a), out;
    struct plan_errors errs = {.n = 0};
    char place[100];

    snprintf(place, sizeof place, "%s%s", places[bad], wrong.suffix);
    unsigned failed = plan_check(p, &in, 0, kind->source, "body", a, &out, &errs);
    const struct plan_error *e = &errs.list[0];
    if (failed == 1 && strcmp(e->code, wrong.code) == 0 && slice_eq(e->field, slice_str(place)))
        return;
    struct buf shown = BUF_INIT;
    fixture_show_errors(&shown, &errs);
    printf("  %s: %.*s\n  wanted: %s %s\n  got:\n%.*s", plan_kind_names[kind->kind], (int)text->n, text->p, place,
           wrong.code, (int)shown.n, shown.n > 0 ? shown.p : "");
    test_fail(__FILE__, __LINE__, "a wrong value is not refused at its place");
}

TEST("one wrong value among right ones is refused at its place and for its reason")
{
    state = 20261121;
    for (unsigned k = 0; k < KINDS; k++) {
        if (kinds[k].wrong == NULL)
            continue;
        struct plan *p = plan_around(&kinds[k]);
        struct arena a = {0};
        struct buf text = BUF_INIT;
        for (unsigned i = 0; i < VALUES; i++) {
            buf_clear(&text);
            check_wrong_one(p, &kinds[k], &text, &a);
            arena_reset(&a);
        }
        buf_free(&text);
        arena_free(&a);
        plan_free(p);
    }
}
