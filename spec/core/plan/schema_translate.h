#ifndef SPEC_SCHEMA_TRANSLATE_H
#define SPEC_SCHEMA_TRANSLATE_H
/* JSON Schema 2020-12 into plan nodes, as far as they can say it: the way back from what our schemas are published as. */
#include "spec/core/plan/plan_fixture.h"
#include <math.h>

struct translation {
    struct plan *plan;
    const struct json_doc *doc;
    const char *cannot; /* the keyword, or what of it, that has no node */
    char text[64];
};

static struct plan_node *translate(struct translation *t, uint32_t at);

static struct plan_node *cannot(struct translation *t, struct slice what)
{
    if (t->cannot == NULL) {
        snprintf(t->text, sizeof t->text, "%.*s", (int)what.n, what.p);
        t->cannot = t->text;
    }
    return NULL;
}

static const struct json_node *node_at(const struct translation *t, uint32_t at)
{
    return &t->doc->nodes[at];
}

/* The value of a key, or 0. */
static uint32_t find(const struct translation *t, uint32_t object, const char *key)
{
    uint32_t at = object + 1;
    for (uint32_t i = 0; i < node_at(t, object)->count; i++, at = node_at(t, at + 1)->next)
        if (slice_eq(node_at(t, at)->s, slice_str(key)))
            return at + 1;
    return 0;
}

static bool has_any(const struct translation *t, uint32_t at, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        if (find(t, at, *keys))
            return true;
    return false;
}

static const char *const of_string[] = {"minLength", "maxLength", "pattern", "format", NULL};
static const char *const of_number[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", NULL};
static const char *const of_array[] = {"items", "minItems", "maxItems", "uniqueItems", NULL};
static const char *const of_object[] = {
    "properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties", NULL};
static const char *const of_any[] = {"type", "const", "enum", "default", NULL};
static const char *const said_only[] = {"$schema", "$id",         "$defs",    "$anchor",    "$comment",
                                        "title",   "description", "examples", "deprecated", NULL};

static bool is_among(struct slice s, const char *const *list)
{
    for (; *list != NULL; list++)
        if (slice_eq(s, slice_str(*list)))
            return true;
    return false;
}

/* $id, $anchor and $defs mean nothing where no $ref is, and that is a keyword we don't know. Another $schema may turn
 * keywords off. */
static bool all_known(struct translation *t, uint32_t object)
{
    uint32_t at = object + 1, dialect = find(t, object, "$schema");
    if (dialect != 0 && !slice_eq(node_at(t, dialect)->s, SLICE_LIT("https://json-schema.org/draft/2020-12/schema"))) {
        cannot(t, SLICE_LIT("another $schema"));
        return false;
    }
    for (uint32_t i = 0; i < node_at(t, object)->count; i++, at = node_at(t, at + 1)->next) {
        struct slice key = node_at(t, at)->s;
        if (!is_among(key, of_string) && !is_among(key, of_number) && !is_among(key, of_array) &&
            !is_among(key, of_object) && !is_among(key, of_any) && !is_among(key, said_only)) {
            cannot(t, key);
            return false;
        }
    }
    return true;
}

static double number_at(const struct translation *t, uint32_t at)
{
    const struct json_node *v = node_at(t, at);
    return v->type == JSON_INT ? (double)v->i : v->d;
}

/* A limit that is a whole number, which may be written 2.0. */
static bool read_limit(struct translation *t, uint32_t object, const char *key, int64_t *out)
{
    uint32_t at = find(t, object, key);
    if (at == 0)
        return true;
    double d = number_at(t, at);
    if (node_at(t, at)->type == JSON_DOUBLE && d != floor(d)) {
        cannot(t, SLICE_LIT("a fraction as a limit of integers"));
        return false;
    }
    *out = node_at(t, at)->type == JSON_INT ? node_at(t, at)->i : (int64_t)d;
    return true;
}

static struct plan_node *translate_string(struct translation *t, uint32_t at)
{
    static const struct {
        const char *format;
        enum plan_kind kind;
    } formats[] = {
        {"uuid", PLAN_UUID}, {"email", PLAN_EMAIL}, {"date", PLAN_DATE}, {"date-time", PLAN_DATETIME}, {"uri", PLAN_URL}};
    uint32_t pattern = find(t, at, "pattern"), format = find(t, at, "format");
    struct plan_node *node = plan_node_new(t->plan, PLAN_STRING);

    if (format != 0) {
        node = NULL;
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
            if (slice_eq(node_at(t, format)->s, slice_str(formats[i].format)))
                node = plan_node_new(t->plan, formats[i].kind);
        if (node == NULL || pattern != 0)
            return cannot(t, SLICE_LIT("format"));
    }
    if (pattern != 0)
        node->string.pattern_text = node_at(t, pattern)->s;
    if (!read_limit(t, at, "minLength", &node->min) || !read_limit(t, at, "maxLength", &node->max))
        return NULL;
    return node;
}

static bool read_bound(struct translation *t, uint32_t at, const char *key, const char *exclusive_key, double *out,
                       bool *exclusive)
{
    uint32_t bound = find(t, at, key), other = find(t, at, exclusive_key);
    if (bound != 0 && other != 0) {
        cannot(t, SLICE_LIT("both minimum and exclusiveMinimum"));
        return false;
    }
    if (bound != 0 || other != 0)
        *out = number_at(t, bound != 0 ? bound : other);
    *exclusive = other != 0;
    return true;
}

static struct plan_node *translate_number(struct translation *t, uint32_t at)
{
    struct plan_node *node = plan_node_new(t->plan, PLAN_NUMBER);
    uint32_t of = find(t, at, "multipleOf");

    if (!read_bound(t, at, "minimum", "exclusiveMinimum", &node->number.min, &node->number.exclusive_min) ||
        !read_bound(t, at, "maximum", "exclusiveMaximum", &node->number.max, &node->number.exclusive_max))
        return NULL;
    if (of != 0)
        node->number.multiple_of = number_at(t, of);
    return node;
}

static struct plan_node *translate_integer(struct translation *t, uint32_t at)
{
    struct plan_node *node = plan_node_new(t->plan, PLAN_INTEGER);
    bool over = find(t, at, "exclusiveMinimum"), under = find(t, at, "exclusiveMaximum");

    node->integer.exclusive_min = over;
    node->integer.exclusive_max = under;
    if (!read_limit(t, at, over ? "exclusiveMinimum" : "minimum", &node->min) ||
        !read_limit(t, at, under ? "exclusiveMaximum" : "maximum", &node->max) ||
        !read_limit(t, at, "multipleOf", &node->integer.multiple_of))
        return NULL;
    return node;
}

static struct plan_node *translate_array(struct translation *t, uint32_t at)
{
    uint32_t items = find(t, at, "items"), unique = find(t, at, "uniqueItems");
    struct plan_node *node = fixture_array(t->plan, items != 0 ? translate(t, items) : plan_node_new(t->plan, PLAN_ANY));

    node->array.unique = unique != 0 && node_at(t, unique)->type == JSON_TRUE;
    if (node->array.items == NULL || !read_limit(t, at, "minItems", &node->min) ||
        !read_limit(t, at, "maxItems", &node->max))
        return NULL;
    return node;
}

static struct plan_node *translate_map(struct translation *t, uint32_t at)
{
    struct plan_node *node = plan_node_new(t->plan, PLAN_MAP);
    uint32_t names = find(t, at, "propertyNames"), values = find(t, at, "additionalProperties");

    node->map.values = values != 0 ? translate(t, values) : plan_node_new(t->plan, PLAN_ANY);
    if (names != 0 && node_at(t, names)->type != JSON_TRUE) {
        node->map.keys = translate(t, names);
        if (node->map.keys == NULL)
            return NULL;
    }
    if (node->map.values == NULL || !read_limit(t, at, "minProperties", &node->min) ||
        !read_limit(t, at, "maxProperties", &node->max))
        return NULL;
    return node;
}

static void add_field(struct plan_node *node, struct slice name, struct plan_node *field)
{
    node->object.fields[node->object.n++] = (struct plan_field){.name = name, .node = field};
}

static struct plan_node *field_of(const struct plan_node *node, struct slice name)
{
    for (uint32_t i = 0; i < node->object.n; i++)
        if (slice_eq(node->object.fields[i].name, name))
            return node->object.fields[i].node;
    return NULL;
}

static bool add_properties(struct translation *t, struct plan_node *node, uint32_t properties)
{
    uint32_t at = properties + 1;
    for (uint32_t i = 0; i < node_at(t, properties)->count; i++, at = node_at(t, at + 1)->next) {
        struct plan_node *field = translate(t, at + 1);
        if (field == NULL)
            return false;
        field->optional = true;
        add_field(node, node_at(t, at)->s, field);
    }
    return true;
}

static void add_required(struct translation *t, struct plan_node *node, uint32_t required)
{
    uint32_t at = required + 1;
    for (uint32_t i = 0; i < node_at(t, required)->count; i++, at = node_at(t, at)->next) {
        struct plan_node *field = field_of(node, node_at(t, at)->s);
        if (field == NULL)
            add_field(node, node_at(t, at)->s, field = plan_node_new(t->plan, PLAN_ANY));
        field->optional = false;
    }
}

static struct plan_node *translate_object(struct translation *t, uint32_t at)
{
    static const char *const of_map[] = {"propertyNames", "minProperties", "maxProperties", NULL};
    uint32_t properties = find(t, at, "properties"), required = find(t, at, "required");
    uint32_t extra = find(t, at, "additionalProperties");

    if (properties == 0 && required == 0 && (extra == 0 || node_at(t, extra)->type != JSON_FALSE))
        return translate_map(t, at);
    if (has_any(t, at, of_map) || (extra != 0 && node_at(t, extra)->type == JSON_OBJECT))
        return cannot(t, SLICE_LIT("an object that is a map too"));
    struct plan_node *node = plan_node_new(t->plan, PLAN_OBJECT);
    uint32_t n = (properties != 0 ? node_at(t, properties)->count : 0) + (required != 0 ? node_at(t, required)->count : 0);
    node->object.fields = arena_alloc(&t->plan->arena, (n + 1) * sizeof *node->object.fields);
    node->object.extra = extra != 0 && node_at(t, extra)->type == JSON_FALSE ? PLAN_EXTRA_REFUSE : PLAN_EXTRA_KEEP;
    if (properties != 0 && !add_properties(t, node, properties))
        return NULL;
    if (required != 0)
        add_required(t, node, required);
    return node;
}

static struct plan_node *literal_of(struct translation *t, uint32_t at)
{
    if (node_at(t, at)->type >= JSON_ARRAY)
        return cannot(t, SLICE_LIT("const of an array or object"));
    struct plan_node *node = plan_node_new(t->plan, PLAN_LITERAL);
    struct json_node *copy = arena_alloc(&t->plan->arena, sizeof *copy);
    *copy = *node_at(t, at);
    copy->next = 1;
    node->literal = (struct json_doc){copy, 1};
    return node;
}

static struct plan_node *translate_enum(struct translation *t, uint32_t list)
{
    uint32_t n = node_at(t, list)->count, at = list + 1;
    struct plan_node *node = plan_node_new(t->plan, PLAN_ENUM);

    if (n == 1 && node_at(t, at)->type != JSON_STRING)
        return literal_of(t, at);
    node->choice.values = arena_alloc(&t->plan->arena, (n + 1) * sizeof *node->choice.values);
    for (uint32_t i = 0; i < n; i++, at = node_at(t, at)->next) {
        if (node_at(t, at)->type == JSON_STRING)
            node->choice.values[node->choice.n++] = node_at(t, at)->s;
        else if (node_at(t, at)->type == JSON_NULL)
            node->nullable = true;
        else
            return cannot(t, SLICE_LIT("enum of what is no string"));
    }
    return node->choice.n > 0 ? node : cannot(t, SLICE_LIT("enum of what is no string"));
}

static struct plan_node *translate_type(struct translation *t, uint32_t at, struct slice type)
{
    if (slice_eq(type, SLICE_LIT("string")))
        return translate_string(t, at);
    if (slice_eq(type, SLICE_LIT("integer")))
        return translate_integer(t, at);
    if (slice_eq(type, SLICE_LIT("number")))
        return translate_number(t, at);
    if (slice_eq(type, SLICE_LIT("array")))
        return translate_array(t, at);
    if (slice_eq(type, SLICE_LIT("object")))
        return translate_object(t, at);
    if (slice_eq(type, SLICE_LIT("boolean")))
        return plan_node_new(t->plan, PLAN_BOOLEAN);
    static const struct json_node null = {.type = JSON_NULL, .next = 1};
    struct plan_node *node = plan_node_new(t->plan, PLAN_LITERAL);
    node->literal = (struct json_doc){&null, 1};
    return node;
}

/* "string", or ["string", "null"]. */
static struct plan_node *translate_types(struct translation *t, uint32_t at, uint32_t type)
{
    const struct json_node *v = node_at(t, type);
    if (v->type == JSON_STRING)
        return translate_type(t, at, v->s);
    if (v->count == 1)
        return translate_type(t, at, node_at(t, type + 1)->s);
    struct slice first = node_at(t, type + 1)->s, second = node_at(t, type + 2)->s;
    bool first_null = slice_eq(first, SLICE_LIT("null"));
    if (v->count != 2 || !(first_null || slice_eq(second, SLICE_LIT("null"))))
        return cannot(t, SLICE_LIT("several types"));
    struct plan_node *node = translate_type(t, at, first_null ? second : first);
    if (node != NULL)
        node->nullable = true;
    return node;
}

/* The type whose keywords are used, when the schema does not say it itself: our schemas always do. *n: of how many types. */
static const char *implied_type(struct translation *t, uint32_t at, unsigned *n)
{
    const char *implied = NULL;
    static const struct {
        const char *type;
        const char *const *keys;
    } types[] = {{"string", of_string}, {"number", of_number}, {"array", of_array}, {"object", of_object}};
    *n = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!has_any(t, at, types[i].keys))
            continue;
        implied = types[i].type;
        ++*n;
    }
    return implied;
}

/* JSON Schema lets a value of another type than the keyword is for pass. Ours don't; these errors are told by this. */
#define IMPLIED "implied"

static struct plan_node *translate_implied(struct translation *t, uint32_t at)
{
    unsigned n;
    const char *type = implied_type(t, at, &n);

    if (n == 0)
        return plan_node_new(t->plan, PLAN_ANY);
    if (n > 1)
        return cannot(t, SLICE_LIT("keywords of several types"));
    struct plan_node *node = translate_type(t, at, slice_str(type));
    if (node != NULL)
        node->message = SLICE_LIT(IMPLIED);
    return node;
}

static void add_default(struct translation *t, struct plan_node *node, uint32_t at)
{
    uint32_t n = node_at(t, at)->next - at;
    struct json_node *copy = arena_alloc(&t->plan->arena, n * sizeof *copy);
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = *node_at(t, at + i);
        copy[i].next -= at;
    }
    node->has_default = true;
    node->fallback = (struct json_doc){copy, n};
}

/* NULL: t->cannot says why. */
static struct plan_node *translate(struct translation *t, uint32_t at)
{
    if (node_at(t, at)->type == JSON_TRUE || (node_at(t, at)->type == JSON_OBJECT && node_at(t, at)->count == 0))
        return plan_node_new(t->plan, PLAN_ANY);
    if (node_at(t, at)->type != JSON_OBJECT)
        return cannot(t, SLICE_LIT("false as a schema"));
    if (!all_known(t, at))
        return NULL;
    uint32_t type = find(t, at, "type"), constant = find(t, at, "const"), list = find(t, at, "enum");
    unsigned families;
    struct plan_node *node;
    implied_type(t, at, &families);
    if ((constant != 0) + (list != 0) + (families > 0) > 1)
        return cannot(t, SLICE_LIT("const or enum beside another keyword"));
    if (constant != 0)
        node = literal_of(t, constant);
    else if (list != 0)
        node = translate_enum(t, list);
    else
        node = type != 0 ? translate_types(t, at, type) : translate_implied(t, at);
    if (node != NULL && find(t, at, "default"))
        add_default(t, node, find(t, at, "default"));
    return node;
}
#endif
