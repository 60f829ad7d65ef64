#include "core/plan/finish.c"
#include "spec/core/plan/plan_fixture.h"

static struct plan_node *ranged(struct plan *p, enum plan_kind kind, int64_t min, int64_t max)
{
    struct plan_node *node = plan_node_new(p, kind);
    node->min = min;
    node->max = max;
    return node;
}

TEST("bounds that leave nothing are told with their place")
{
    struct plan *p = plan_new();
    fixture_unfinished(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "title", ranged(p, PLAN_STRING, 5, 3)),
                       "fields.title: min 5 is above max 3");
    p = plan_new();
    fixture_unfinished(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "a", fixture_array(p, ranged(p, PLAN_INTEGER, 1, 0))),
                       "fields.a.items: min 1 is above max 0");
    p = plan_new();
    fixture_unfinished(p, ranged(p, PLAN_STRING, -1, 3), "min and max of a string can't be negative");
    p = plan_new();
    fixture_unfinished(p, ranged(p, PLAN_EMAIL, INT64_MIN, -3), "min and max of an email can't be negative");
    p = plan_new();
    struct plan_node *node = fixture_array(p, plan_node_new(p, PLAN_ANY));
    node->min = -1;
    fixture_unfinished(p, node, "min and max of an array can't be negative");
    p = plan_new();
    node = ranged(p, PLAN_MAP, INT64_MIN, -1);
    node->map.values = plan_node_new(p, PLAN_ANY);
    fixture_unfinished(p, node, "min and max of a map can't be negative");
    p = plan_new();
    node = ranged(p, PLAN_INTEGER, 3, 3);
    node->integer.exclusive_max = true;
    fixture_unfinished(p, node, "no integer is between min 3 and max 3");
    p = plan_new();
    node = plan_node_new(p, PLAN_NUMBER);
    node->number.min = 2;
    node->number.max = 1.5;
    fixture_unfinished(p, node, "no number is between min 2 and max 1.5");
    p = plan_new();
    node = plan_node_new(p, PLAN_NUMBER);
    node->number.max = NAN;
    fixture_unfinished(p, node, "min and max must be numbers");
}

TEST("bounds that leave one value are bounds")
{
    struct plan *p = plan_new();
    fixture_finish(p, ranged(p, PLAN_INTEGER, 3, 3));
    fixture_finish(p, ranged(p, PLAN_INTEGER, -5, -3));
    fixture_finish(p, ranged(p, PLAN_STRING, 0, 0));
    struct plan_node *node = plan_node_new(p, PLAN_NUMBER);
    node->number.min = node->number.max = 0.5;
    fixture_finish(p, node);
    TAKES(p, "0.5", "0.5");
    plan_free(p);
}

TEST("what can't be a step or a scale is told")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_INTEGER);
    node->integer.multiple_of = -2;
    fixture_unfinished(p, node, "multiple_of must be above 0");
    p = plan_new();
    node = plan_node_new(p, PLAN_NUMBER);
    node->number.multiple_of = NAN;
    fixture_unfinished(p, node, "multiple_of must be above 0");
    p = plan_new();
    node = plan_node_new(p, PLAN_DECIMAL);
    node->decimal.precision = 2;
    node->decimal.scale = 3;
    fixture_unfinished(p, node, "scale 3 is above precision 2");
}

TEST("a wrong pattern is told")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_STRING);
    node->string.pattern_text = SLICE_LIT("[a");
    fixture_unfinished(p, node, "the pattern [a is wrong at byte 2: missing terminating ] for character class");
}

TEST("what JSON can't carry is told")
{
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_STRING);
    node->string.pattern_text = SLICE_LIT("a\0");
    fixture_unfinished(p, node, "the pattern is not text in UTF-8 without NUL");
    p = plan_new();
    node = fixture_enum(p, 1, "\xff");
    fixture_unfinished(p, node, "a value is not text in UTF-8 without NUL");
    p = plan_new();
    static const struct json_node nul = {.type = JSON_STRING, .next = 1, .s = {"\0", 1}};
    node = plan_node_new(p, PLAN_LITERAL);
    node->literal = (struct json_doc){&nul, 1};
    fixture_unfinished(p, node, "the literal is not text in UTF-8 without NUL");
}

TEST("names that are there twice, or not at all, are told")
{
    struct plan *p = plan_new();
    fixture_unfinished(p, fixture_enum(p, 2, "a", "a"), "the value \"a\" is there twice");
    p = plan_new();
    fixture_unfinished(p, fixture_enum(p, 0), "an enum needs a value");
    p = plan_new();
    fixture_unfinished(
        p, fixture_object(p, PLAN_EXTRA_REFUSE, 2, "a", plan_node_new(p, PLAN_ANY), "a", plan_node_new(p, PLAN_ANY)),
        "the field \"a\" is there twice");
    p = plan_new();
    fixture_unfinished(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "\xff", plan_node_new(p, PLAN_ANY)),
                       "the name of a field is not text in UTF-8 without NUL");
    p = plan_new();
    fixture_unfinished(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "a", NULL), "fields.a: is missing");
    p = plan_new();
    fixture_unfinished(p, fixture_array(p, NULL), "items: is missing");
    p = plan_new();
    fixture_unfinished(p, plan_node_new(p, PLAN_LITERAL), "a literal must be a string, a number, true, false or null");
    p = plan_new();
    fixture_unfinished(p, fixture_literal(p, "[]"), "a literal must be a string, a number, true, false or null");
    p = plan_new();
    static const struct json_node endless = {.type = JSON_DOUBLE, .next = 1, .d = INFINITY};
    struct plan_node *node = plan_node_new(p, PLAN_LITERAL);
    node->literal = (struct json_doc){&endless, 1};
    fixture_unfinished(p, node, "a literal must be a string, a number, true, false or null");
}

TEST("a union's variants say their tag themselves")
{
    struct plan *p = plan_new();
    fixture_unfinished(p, fixture_union(p, "", 0), "a union needs a discriminator and a variant");
    p = plan_new();
    fixture_unfinished(p, fixture_union(p, "type", 1, "cat", plan_node_new(p, PLAN_STRING)),
                       "the variant \"cat\" is not an object");
    p = plan_new();
    fixture_unfinished(p, fixture_union(p, "type", 1, "cat", fixture_object(p, PLAN_EXTRA_REFUSE, 0)),
                       "the variant \"cat\" must have the field type as a literal of that value");
    p = plan_new();
    fixture_unfinished(
        p,
        fixture_union(p, "type", 1, "cat", fixture_object(p, PLAN_EXTRA_REFUSE, 1, "type", fixture_literal(p, "\"dog\""))),
        "the variant \"cat\" must have the field type as a literal of that value");
    p = plan_new();
    fixture_unfinished(
        p, fixture_union(p, "type", 1, "cat", fixture_object(p, PLAN_EXTRA_REFUSE, 1, "type", plan_node_new(p, PLAN_UUID))),
        "the variant \"cat\" must have the field type as a literal of that value");
    p = plan_new();
    struct plan_node *cat = fixture_object(p, PLAN_EXTRA_REFUSE, 1, "type", fixture_literal(p, "\"cat\""));
    fixture_unfinished(p, fixture_union(p, "type", 2, "cat", cat, "cat", cat), "the tag \"cat\" is there twice");
}

TEST("the keys of a map are text that is kept")
{
    struct plan *p = plan_new();
    struct plan_node *map = plan_node_new(p, PLAN_MAP);
    map->map.keys = plan_node_new(p, PLAN_INTEGER);
    map->map.values = plan_node_new(p, PLAN_ANY);
    fixture_unfinished(p, map, "the keys of a map are strings, not of kind integer");
    p = plan_new();
    map = plan_node_new(p, PLAN_MAP);
    map->map.keys = fixture_literal(p, "7");
    map->map.values = plan_node_new(p, PLAN_ANY);
    fixture_unfinished(p, map, "the keys of a map are strings, not of kind literal");
    p = plan_new();
    map = plan_node_new(p, PLAN_MAP);
    map->map.keys = fixture_literal(p, "\"a\"");
    map->map.values = plan_node_new(p, PLAN_ANY);
    fixture_finish(p, map);
    REFUSES(p, "{\"b\":1}", "body.b literal must be \"a\" | \"a\"\n");
    plan_free(p);
    p = plan_new();
    map = plan_node_new(p, PLAN_MAP);
    map->map.keys = plan_node_new(p, PLAN_STRING);
    map->map.keys->string.trim = true;
    map->map.values = plan_node_new(p, PLAN_ANY);
    fixture_unfinished(p, map, "the keys of a map are kept as they are sent: they can't be trimmed or put in lower case");
    p = plan_new();
    fixture_unfinished(p, plan_node_new(p, PLAN_MAP), "values: is missing");
}

TEST("a default fits its own plan and is kept as checking leaves it")
{
    struct plan *p = plan_new();
    struct plan_node *count = plan_node_new(p, PLAN_INTEGER);
    count->max = 9;
    fixture_unfinished(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "n", fixture_default(p, count, "10")),
                       "fields.n: the default does not fit: must be at most 9");
    p = plan_new();
    struct plan_node *list = fixture_array(p, plan_node_new(p, PLAN_INTEGER));
    fixture_unfinished(p, fixture_default(p, list, "[1,null]"), "the default does not fit: [1] must not be null");
    p = plan_new();
    count = plan_node_new(p, PLAN_INTEGER);
    count->has_default = true;
    fixture_unfinished(p, count, "the default is missing");
    p = plan_new();
    struct plan_node *title = plan_node_new(p, PLAN_STRING);
    title->string.trim = true;
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "title", fixture_default(p, title, "\"  new \"")));
    TAKES(p, "{}", "{\"title\":\"new\"}");
    plan_free(p);
}

static struct plan_node *nested(struct plan *p, unsigned depth)
{
    struct plan_node *node = plan_node_new(p, PLAN_INTEGER);
    for (unsigned i = 1; i < depth; i++)
        node = fixture_array(p, node);
    return node;
}

TEST("a plan nests as deep as a document may, and no deeper")
{
    struct plan *p = plan_new();
    char text[2 * PLAN_DEPTH_MAX] = "";
    memset(text, '[', PLAN_DEPTH_MAX - 1);
    text[PLAN_DEPTH_MAX - 1] = '7';
    memset(text + PLAN_DEPTH_MAX, ']', PLAN_DEPTH_MAX - 1);
    fixture_finish(p, nested(p, PLAN_DEPTH_MAX));
    TAKES(p, text, text);
    text[PLAN_DEPTH_MAX - 1] = '.';
    plan_free(p);

    p = plan_new();
    char err[ERR_MAX];
    CHECK_INT(plan_finish(p, nested(p, PLAN_DEPTH_MAX + 1), err), -1);
    CHECK(strstr(err, "items: nested deeper than 64") != NULL);
    plan_free(p);

    p = plan_new();
    struct plan_node *circle = fixture_array(p, NULL);
    circle->array.items = circle;
    CHECK_INT(plan_finish(p, circle, err), -1);
    plan_free(p);
}

TEST("the key of a field is ready to be written")
{
    struct plan *p = plan_new();
    struct plan_node *node = fixture_object(p, PLAN_EXTRA_REFUSE, 1, "a\"b", plan_node_new(p, PLAN_ANY));
    fixture_finish(p, node);
    CHECK_STR(node->object.fields[0].key.p, node->object.fields[0].key.n, "\"a\\\"b\":");
    plan_free(p);
}
