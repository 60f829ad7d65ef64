#ifndef SPEC_PROPERTY_CONTAINERS_H
#define SPEC_PROPERTY_CONTAINERS_H
/* Containers for property_test.c: for each kind a node, a right value, and a wrong one. */
#include "spec/core/plan/property_scalars.h"

static struct plan_node *make_array(struct plan *p)
{
    struct plan_node *node = fixture_array(p, plan_node_new(p, PLAN_INTEGER));
    node->min = 1;
    node->max = 6;
    node->array.unique = true;
    return node;
}

static void right_array(struct buf *out)
{
    unsigned n = 1 + below(6), base = below(1000);
    buf_char(out, '[');
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "%s%u%s", i > 0 ? "," : "", base + i * 7, below(3) ? "" : ".0");
    buf_char(out, ']');
}

static struct wrong wrong_array(struct buf *out)
{
    static const struct {
        const char *json;
        struct wrong wrong;
    } some[] = {
        {"[]", {"", "too_few"}},
        {"[1,2,3,4,5,6,7]", {"", "too_many"}},
        {"{}", {"", "type"}},
        {"\"a\"", {"", "type"}},
        {"[1,2,\"3\"]", {"[2]", "type"}},
        {"[null]", {"[0]", "null_not_allowed"}},
        {"[1,2,3,2]", {"[3]", "not_unique"}},
        {"[5,5.0]", {"[1]", "not_unique"}},
        {"[[1]]", {"[0]", "type"}},
    };
    unsigned i = below(sizeof some / sizeof some[0]);
    buf_str(out, some[i].json);
    return some[i].wrong;
}

static struct plan_node *make_object(struct plan *p)
{
    struct plan_node *b = plan_node_new(p, PLAN_STRING);
    b->nullable = true;
    return fixture_object(p, PLAN_EXTRA_REFUSE, 3, "a", plan_node_new(p, PLAN_INTEGER), "b", b, "c",
                          fixture_default(p, plan_node_new(p, PLAN_BOOLEAN), "true"));
}

static void right_object(struct buf *out)
{
    const char *b = ONE_OF("null", "\"x\"", "\"\\u00e9\""), *c = ONE_OF("", ",\"c\":true", ",\"c\":false");
    if (below(2))
        buf_printf(out, "{\"a\":%u,\"b\":%s%s}", below(99), b, c);
    else
        buf_printf(out, "{\"b\":%s%s,\"a\":%u}", b, c, below(99));
}

static struct wrong wrong_object(struct buf *out)
{
    static const struct {
        const char *json;
        struct wrong wrong;
    } some[] = {
        {"[]", {"", "type"}},
        {"{\"a\":1}", {".b", "required"}},
        {"{\"b\":null}", {".a", "required"}},
        {"{\"a\":null,\"b\":null}", {".a", "null_not_allowed"}},
        {"{\"a\":1,\"b\":null,\"c\":null}", {".c", "null_not_allowed"}},
        {"{\"a\":1,\"b\":2}", {".b", "type"}},
        {"{\"a\":1,\"b\":\"x\",\"d\":[1]}", {".d", "unknown_field"}},
        {"{\"a b\":{},\"a\":1,\"b\":\"x\"}", {"[\"a b\"]", "unknown_field"}},
    };
    unsigned i = below(sizeof some / sizeof some[0]);
    buf_str(out, some[i].json);
    return some[i].wrong;
}

static struct plan_node *make_map(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_MAP);
    node->map.values = plan_node_new(p, PLAN_DATE);
    node->map.keys = plan_node_new(p, PLAN_STRING);
    node->map.keys->max = 4;
    return node;
}

static void right_map(struct buf *out)
{
    buf_char(out, '{');
    for (unsigned i = 0, n = below(5); i < n; i++) {
        buf_printf(out, "%s\"k%u\":\"", i > 0 ? "," : "", i);
        put_date(out);
        buf_char(out, '"');
    }
    buf_char(out, '}');
}

static struct wrong wrong_map(struct buf *out)
{
    buf_lit(out, "{\"k\":\"2026-11-20\",");
    bool key = below(2);
    buf_str(out, key ? "\"12345\":\"2026-11-20\"}" : "\"1234\":\"2026-11-31\"}");
    return key ? (struct wrong){".12345", "too_long"} : (struct wrong){".1234", "date"};
}

static struct plan_node *make_union(struct plan *p)
{
    struct plan_node *cat = fixture_object(p, PLAN_EXTRA_REFUSE, 2, "type", fixture_literal(p, "\"cat\""), "lives",
                                           plan_node_new(p, PLAN_INTEGER));
    struct plan_node *dog =
        fixture_object(p, PLAN_EXTRA_DROP, 2, "type", fixture_literal(p, "\"dog\""), "name", plan_node_new(p, PLAN_STRING));
    return fixture_union(p, "type", 2, "cat", cat, "dog", dog);
}

static void right_union(struct buf *out)
{
    buf_str(out, ONE_OF("{\"type\":\"cat\",\"lives\":9.0}", "{\"lives\":9,\"type\":\"cat\"}",
                        "{\"type\":\"dog\",\"name\":\"Rex\"}", "{\"type\":\"dog\",\"x\":[1],\"name\":\"\\u0052ex\"}"));
}

static struct wrong wrong_union(struct buf *out)
{
    static const struct {
        const char *json;
        struct wrong wrong;
    } some[] = {
        {"{\"type\":\"cow\"}", {".type", "unknown_tag"}},
        {"{\"type\":7}", {".type", "unknown_tag"}},
        {"{\"lives\":9}", {".type", "required"}},
        {"{\"type\":\"cat\",\"lives\":\"9\"}", {".lives", "type"}},
        {"{\"type\":\"dog\"}", {".name", "required"}},
        {"[]", {"", "type"}},
        {"{\"type\":\"cat\",\"lives\":9,\"name\":1}", {".name", "unknown_field"}},
    };
    unsigned i = below(sizeof some / sizeof some[0]);
    buf_str(out, some[i].json);
    return some[i].wrong;
}
#endif
