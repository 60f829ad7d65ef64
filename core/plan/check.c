#include "plan/check_internal.h"

void check_grow(struct check *c, uint32_t more)
{
    uint32_t cap = c->cap + more > 2 * c->cap ? c->cap + more : 2 * c->cap;
    struct json_node *out = arena_alloc(c->arena, cap * sizeof *out);

    if (c->n > 0)
        memcpy(out, c->out, c->n * sizeof *out);
    c->out = out;
    c->cap = cap;
}

void check_copy(struct check *c, const struct json_node *nodes, uint32_t at)
{
    uint32_t count = nodes[at].next - at, shift = c->n - at; /* may wrap around, and back again */

    if (c->cap - c->n < count)
        check_grow(c, count);
    for (uint32_t i = 0; i < count; i++) {
        struct json_node *node = &c->out[c->n++];
        *node = nodes[at + i];
        node->next += shift;
    }
}

static bool takes_null(const struct plan_node *node)
{
    return node->nullable || node->kind == PLAN_ANY ||
           (node->kind == PLAN_LITERAL && node->literal.nodes[0].type == JSON_NULL);
}

void check_value(struct check *c, const struct plan_node *node, uint32_t at)
{
    const struct json_node *v = &c->in[at];
    struct json_node read;

    if (v->type == JSON_NULL) {
        if (takes_null(node))
            check_push_scalar(c, v);
        else
            check_fail(c, node, "null_not_allowed", "must not be null");
        return;
    }
    if (c->source == PLAN_TEXT && v->type == JSON_STRING) {
        if (!check_text_read(c, node, v, &read))
            return;
        v = &read;
    }
    switch (node->kind) {
    case PLAN_BOOLEAN:
        check_boolean(c, node, v);
        return;
    case PLAN_INTEGER:
        check_integer(c, node, v);
        return;
    case PLAN_NUMBER:
        check_number(c, node, v);
        return;
    case PLAN_LITERAL:
        check_literal(c, node, v);
        return;
    case PLAN_ARRAY:
        check_array(c, node, at);
        return;
    case PLAN_OBJECT:
        check_object(c, node, at);
        return;
    case PLAN_MAP:
        check_map(c, node, at);
        return;
    case PLAN_UNION:
        check_union(c, node, at);
        return;
    case PLAN_ANY:
        check_copy(c, c->in, at);
        return;
    default:
        check_string(c, node, v);
    }
}

unsigned plan_check(const struct plan *p, const struct json_doc *in, uint32_t at, enum plan_source source, const char *root,
                    struct arena *arena, struct json_doc *out, struct plan_errors *errs)
{
    /* Defaults come on top of what there is. */
    uint32_t cap = in->nodes[at].next - at + 16;
    struct check c = {
        .in = in->nodes,
        .source = source,
        .root = root,
        .arena = arena,
        .errs = errs,
        .out = arena_alloc(arena, cap * sizeof *c.out),
        .cap = cap,
    };

    check_value(&c, p->root, at);
    *out = c.failed == 0 ? (struct json_doc){c.out, c.n} : (struct json_doc){NULL, 0};
    return c.failed;
}
