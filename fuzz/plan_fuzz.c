/* A plan and a document, both made of the input: the first byte says how many bytes the plan is made of, the rest is the
 * document. What a plan takes it takes again, unchanged; what it refuses has places and messages that can be written. */
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "plan/check.h"

enum { NODES_MAX = 60, DEPTH_MAX = 6, FIELDS_MAX = 5 };

struct maker {
    struct plan *plan;
    const uint8_t *p, *end;
    unsigned nodes;
};

static const struct slice words[] = {{"a", 1}, {"b", 1},        {"type", 4}, {"title", 5},
                                     {"", 0},  {"\xc3\xa9", 2}, {"a b", 3},  {"42", 2}};
enum { WORDS = sizeof words / sizeof words[0] };

static unsigned take(struct maker *m)
{
    return m->p < m->end ? *m->p++ : 0;
}

static struct slice take_word(struct maker *m)
{
    return words[take(m) % WORDS];
}

static struct plan_node *make_node(struct maker *m, unsigned depth);

static void make_string(struct maker *m, struct plan_node *node)
{
    unsigned flags = take(m), n = flags >> 2 & 15;

    node->string.trim = flags & 1;
    node->string.lower = flags & 2;
    if (n <= (size_t)(m->end - m->p)) {
        node->string.pattern_text = slice_of((const char *)m->p, n);
        m->p += n;
    }
}

static void make_literal(struct maker *m, struct plan_node *node)
{
    struct json_node *v = arena_alloc(&m->plan->arena, sizeof *v);

    *v = (struct json_node){.type = (enum json_type)(take(m) % JSON_ARRAY), .next = 1};
    if (v->type == JSON_STRING)
        v->s = take_word(m);
    else if (v->type == JSON_INT)
        v->i = (int8_t)take(m);
    else if (v->type == JSON_DOUBLE)
        v->d = (int8_t)take(m) / 4.0;
    node->literal = (struct json_doc){v, 1};
}

static struct plan_field *make_fields(struct maker *m, uint32_t *n, unsigned depth)
{
    *n = take(m) % (FIELDS_MAX + 1);
    struct plan_field *fields = arena_alloc(&m->plan->arena, FIELDS_MAX * sizeof *fields);
    for (uint32_t i = 0; i < *n; i++)
        fields[i] = (struct plan_field){.name = take_word(m), .node = make_node(m, depth + 1)};
    return fields;
}

/* Variants of their own making would hardly ever have the literal that a union asks for. */
static struct plan_node *make_variant(struct maker *m, struct slice discriminator, struct slice tag, unsigned depth)
{
    struct plan_node *node = plan_node_new(m->plan, PLAN_OBJECT), *literal = plan_node_new(m->plan, PLAN_LITERAL);
    struct json_node *v = arena_alloc(&m->plan->arena, sizeof *v);

    *v = (struct json_node){.type = JSON_STRING, .next = 1, .s = tag};
    literal->literal = (struct json_doc){v, 1};
    node->object.fields = arena_alloc(&m->plan->arena, 2 * sizeof *node->object.fields);
    node->object.n = 2;
    node->object.extra = (enum plan_extra)(take(m) % 3);
    node->object.fields[0] = (struct plan_field){.name = discriminator, .node = literal};
    node->object.fields[1] = (struct plan_field){.name = SLICE_LIT("v"), .node = make_node(m, depth + 1)};
    return node;
}

static void make_union(struct maker *m, struct plan_node *node, unsigned depth)
{
    node->variant.discriminator = take_word(m);
    node->variant.n = 1 + take(m) % 3;
    node->variant.variants = arena_alloc(&m->plan->arena, 3 * sizeof *node->variant.variants);
    for (uint32_t i = 0; i < node->variant.n; i++) {
        struct slice tag = take_word(m);
        node->variant.variants[i] =
            (struct plan_field){.name = tag, .node = make_variant(m, node->variant.discriminator, tag, depth)};
    }
}

static void make_number(struct maker *m, struct plan_node *node)
{
    unsigned flags = take(m);

    if (flags & 1)
        node->number.min = (int8_t)take(m) / 8.0;
    if (flags & 2)
        node->number.max = (int8_t)take(m) / 8.0 + 20;
    node->number.exclusive_min = flags & 4;
    node->number.exclusive_max = flags & 8;
    node->number.multiple_of = (flags >> 4) / 10.0;
}

static void make_bounds(struct maker *m, struct plan_node *node)
{
    unsigned flags = take(m);

    if (flags & 1)
        node->min = flags >> 2 & 7;
    if (flags & 2)
        node->max = flags >> 3;
}

static void make_enum(struct maker *m, struct plan_node *node)
{
    node->choice.n = 1 + take(m) % 3;
    node->choice.values = arena_alloc(&m->plan->arena, 3 * sizeof *node->choice.values);
    for (uint32_t i = 0; i < node->choice.n; i++)
        node->choice.values[i] = take_word(m);
}

static void make_kind(struct maker *m, struct plan_node *node, unsigned depth)
{
    switch (node->kind) {
    case PLAN_STRING:
        make_string(m, node);
        return;
    case PLAN_INTEGER:
        node->integer.multiple_of = take(m) % 4;
        return;
    case PLAN_NUMBER:
        make_number(m, node);
        return;
    case PLAN_DECIMAL:
        node->decimal.precision = take(m) % 8;
        node->decimal.scale = take(m) % 4;
        return;
    case PLAN_ENUM:
        make_enum(m, node);
        return;
    case PLAN_LITERAL:
        make_literal(m, node);
        return;
    case PLAN_ARRAY:
        node->array.unique = take(m) & 1;
        node->array.items = make_node(m, depth + 1);
        return;
    case PLAN_OBJECT:
        node->object.extra = (enum plan_extra)(take(m) % 3);
        node->object.fields = make_fields(m, &node->object.n, depth);
        return;
    case PLAN_MAP:
        node->map.keys = take(m) & 1 ? make_node(m, depth + 1) : NULL;
        node->map.values = make_node(m, depth + 1);
        return;
    case PLAN_UNION:
        make_union(m, node, depth);
        return;
    default:
        return;
    }
}

static struct plan_node *make_node(struct maker *m, unsigned depth)
{
    unsigned kind = take(m), flags = take(m);
    bool is_leaf = depth == DEPTH_MAX || ++m->nodes > NODES_MAX;
    struct plan_node *node = plan_node_new(m->plan, is_leaf ? PLAN_ANY : (enum plan_kind)(kind % PLAN_KIND_COUNT));

    node->optional = flags & 1;
    node->nullable = flags & 2;
    if ((flags & 12) == 12) {
        static const struct json_node null = {.type = JSON_NULL, .next = 1};
        node->has_default = node->nullable = true;
        node->fallback = (struct json_doc){&null, 1};
    }
    if (node->kind != PLAN_NUMBER && flags & 16)
        make_bounds(m, node);
    make_kind(m, node, depth);
    return node;
}

static void check_errors(const struct plan_errors *errs, unsigned failed, struct arena *a)
{
    struct buf text = BUF_INIT;
    struct json_doc doc;
    struct json_error err;

    FUZZ_CHECK(errs->n > 0 && errs->n <= PLAN_ERRORS_MAX && (errs->n == failed || errs->more));
    for (unsigned i = 0; i < errs->n; i++) {
        const struct plan_error *e = &errs->list[i];
        FUZZ_CHECK(e->field.n <= PLAN_FIELD_BYTES_MAX && utf8_is_valid(e->field) && e->message.n > 0);
    }
    plan_errors_write(errs, &text);
    FUZZ_CHECK(json_read(buf_view(&text), FUZZ_DEPTH_MAX, a, &doc, &err) == JSON_OK && doc.nodes[0].count == errs->n);
    buf_free(&text);
}

static void check_again(const struct plan *p, const struct json_doc *first, struct arena *a)
{
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct plan_errors errs = {.n = 0};
    struct json_doc second;

    FUZZ_CHECK(fuzz_write(&text, first, 0) == first->n);
    FUZZ_CHECK(plan_check(p, first, 0, PLAN_JSON, "body", a, &second, &errs) == 0);
    FUZZ_CHECK(fuzz_write(&again, &second, 0) == second.n);
    FUZZ_CHECK(slice_eq(buf_view(&text), buf_view(&again)));
    buf_free(&text);
    buf_free(&again);
}

static void check_document(const struct plan *p, struct slice text, enum plan_source source)
{
    struct arena a = {0};
    struct json_doc in, out;
    struct json_error err;
    struct plan_errors errs = {.n = 0};

    if (json_read(text, FUZZ_DEPTH_MAX, &a, &in, &err) == JSON_OK) {
        unsigned failed = plan_check(p, &in, 0, source, "body", &a, &out, &errs);
        FUZZ_CHECK((failed == 0) == (out.nodes != NULL));
        if (failed > 0)
            check_errors(&errs, failed, &a);
        else if (source == PLAN_JSON)
            check_again(p, &out, &a);
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t made_of = n > 0 ? data[0] : 0;
    char why[ERR_MAX] = "";

    if (n == 0 || made_of > n - 1)
        return 0;
    struct maker m = {.plan = plan_new(), .p = data + 1, .end = data + 1 + made_of};
    struct slice text = slice_of((const char *)data + 1 + made_of, n - 1 - made_of);
    if (plan_finish(m.plan, make_node(&m, 1), why) == 0) {
        check_document(m.plan, text, PLAN_JSON);
        check_document(m.plan, text, PLAN_TEXT);
    } else {
        FUZZ_CHECK(why[0] != '\0');
    }
    plan_free(m.plan);
    return 0;
}
