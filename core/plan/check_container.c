#include "plan/check_internal.h"

static uint32_t open_container(struct check *c, enum json_type type)
{
    struct json_node *node = check_push(c);
    node->type = type;
    return c->n - 1;
}

static void close_container(struct check *c, uint32_t at, uint32_t count)
{
    c->out[at].next = c->n;
    c->out[at].count = count;
}

static void check_count(struct check *c, const struct plan_node *node, uint32_t count, const char *unit)
{
    if (count < node->min)
        check_fail_count(c, node, "too_few", "must have at least", node->min, unit);
    else if (count > node->max)
        check_fail_count(c, node, "too_many", "must have at most", node->max, unit);
}

static void check_items(struct check *c, const struct plan_node *node, uint32_t first, uint32_t count)
{
    struct place here = {.up = c->place, .is_index = true};
    uint32_t array = open_container(c, JSON_ARRAY), at = first;
    unsigned failed = c->failed;

    c->place = &here;
    for (; here.index < count && !c->stopped; here.index++, at = c->in[at].next)
        check_value(c, node->array.items, at);
    close_container(c, array, count);
    if (node->array.unique && c->failed == failed) {
        here.index = check_find_repeat(c->arena, c->out, array);
        if (here.index < count)
            check_fail(c, node, "not_unique", "must not repeat an earlier item");
    }
    c->place = here.up;
}

/* What has too many items is not looked into: it may be as large as a body can be. */
void check_array(struct check *c, const struct plan_node *node, uint32_t at)
{
    const struct json_node *v = &c->in[at];
    bool is_array = v->type == JSON_ARRAY;

    if (!is_array && (c->source != PLAN_TEXT || v->type == JSON_OBJECT)) {
        check_fail(c, node, "type", "must be an array");
        return;
    }
    uint32_t count = is_array ? v->count : 1;
    check_count(c, node, count, "item");
    if (count <= node->max)
        check_items(c, node, is_array ? at + 1 : at, count);
}

/* ---- objects ---- */

struct seen { /* a bit for each field */
    uint64_t few;
    uint64_t *bits; /* &few, or the arena's */
};

static void seen_init(struct seen *s, uint32_t fields, struct arena *arena)
{
    s->few = 0;
    s->bits = &s->few;
    if (fields > 64) {
        size_t bytes = (fields + 63) / 64 * sizeof *s->bits;
        s->bits = arena_alloc(arena, bytes);
        memset(s->bits, 0, bytes);
    }
}

static bool seen_has(const struct seen *s, uint32_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void seen_add(struct seen *s, uint32_t i)
{
    s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

/* A field that nobody declared. Returns whether it is kept. */
static bool check_extra(struct check *c, const struct plan_node *node, uint32_t key)
{
    if (node->object.extra == PLAN_EXTRA_REFUSE)
        check_fail(c, node, "unknown_field", "is not a known field");
    if (node->object.extra != PLAN_EXTRA_KEEP)
        return false;
    check_push_scalar(c, &c->in[key]);
    check_copy(c, c->in, key + 1);
    return true;
}

static uint32_t fill_in(struct check *c, const struct plan_node *object, const struct plan_field *field)
{
    c->filled_in += 1 + field->node->fallback.n;
    if (c->filled_in > PLAN_DEFAULT_NODES_MAX) {
        check_fail(c, object, "too_many", "is one object too many that leaves fields to their defaults");
        c->stopped = true;
        return 0;
    }
    check_push_scalar(c, &(struct json_node){.type = JSON_STRING, .label = field->label, .s = field->name});
    check_copy(c, field->node->fallback.nodes, 0);
    return 1;
}

/* Returns how many were added: the fields that are not there and have a default. */
static uint32_t complete(struct check *c, const struct plan_node *node, const struct seen *seen)
{
    uint32_t added = 0;

    for (uint32_t i = 0; i < node->object.n && !c->stopped; i++) {
        const struct plan_field *field = &node->object.fields[i];
        if (seen_has(seen, i))
            continue;
        if (field->node->has_default) {
            added += fill_in(c, node, field);
        } else if (!field->node->optional) {
            struct place here = {.up = c->place, .key = field->name};
            c->place = &here;
            check_fail(c, field->node, "required", "is required");
            c->place = here.up;
        }
    }
    return added;
}

static uint32_t check_fields(struct check *c, const struct plan_node *node, uint32_t at, struct seen *seen, uint32_t *n_seen)
{
    struct place here = {.up = c->place};
    uint32_t kept = 0, hint = 0, key = at + 1;

    c->place = &here;
    for (uint32_t i = 0; i < c->in[at].count && !c->stopped; i++, key = c->in[key + 1].next) {
        const struct json_node *k = &c->in[key], *v = k + 1;
        int found = plan_lookup_find(node->object.lookup, k->s, hint);
        here.key = k->s;
        if (found < 0) {
            kept += check_extra(c, node, key);
            continue;
        }
        const struct plan_field *field = &node->object.fields[found];
        hint = (uint32_t)found + 1;
        if (seen_has(seen, (uint32_t)found) || (c->source == PLAN_TEXT && check_text_is_absent(field, v)))
            continue;
        seen_add(seen, (uint32_t)found);
        ++*n_seen;
        check_push_scalar(c, k);
        c->out[c->n - 1].label = field->label;
        check_value(c, field->node, key + 1);
        kept++;
    }
    c->place = here.up;
    return kept;
}

static bool is_object(struct check *c, const struct plan_node *node, uint32_t at)
{
    if (c->in[at].type == JSON_OBJECT)
        return true;
    check_fail(c, node, "type", "must be an object");
    return false;
}

void check_object(struct check *c, const struct plan_node *node, uint32_t at)
{
    struct seen seen;
    uint32_t n_seen = 0;

    if (!is_object(c, node, at))
        return;
    seen_init(&seen, node->object.n, c->arena);
    uint32_t object = open_container(c, JSON_OBJECT);
    uint32_t kept = check_fields(c, node, at, &seen, &n_seen);
    if (n_seen < node->object.n)
        kept += complete(c, node, &seen);
    close_container(c, object, kept);
}

/* ---- maps and unions ---- */

/* A key is held against its plan as a value is, and kept as it was sent. */
static void check_key(struct check *c, const struct plan_node *keys, uint32_t key)
{
    uint32_t n = c->n;
    check_value(c, keys, key);
    c->n = n;
}

void check_map(struct check *c, const struct plan_node *node, uint32_t at)
{
    struct place here = {.up = c->place};
    uint32_t key = at + 1;

    if (!is_object(c, node, at))
        return;
    uint32_t count = c->in[at].count, object = open_container(c, JSON_OBJECT);
    check_count(c, node, count, "field");
    c->place = &here;
    for (uint32_t i = 0; i < count && count <= node->max && !c->stopped; i++, key = c->in[key + 1].next) {
        here.key = c->in[key].s;
        if (node->map.keys != NULL)
            check_key(c, node->map.keys, key);
        check_push_scalar(c, &c->in[key]);
        check_value(c, node->map.values, key + 1);
    }
    c->place = here.up;
    close_container(c, object, count);
}

/* The discriminator's value in the object, or 0. */
static uint32_t find_tag(const struct json_node *in, uint32_t at, struct slice name)
{
    uint32_t key = at + 1;
    for (uint32_t i = 0; i < in[at].count; i++, key = in[key + 1].next)
        if (slice_eq(in[key].s, name))
            return key + 1;
    return 0;
}

void check_union(struct check *c, const struct plan_node *node, uint32_t at)
{
    if (!is_object(c, node, at))
        return;
    uint32_t tag = find_tag(c->in, at, node->variant.discriminator);
    int found = -1;
    if (tag != 0 && c->in[tag].type == JSON_STRING)
        found = plan_lookup_find(node->variant.lookup, c->in[tag].s, 0);
    if (found >= 0) {
        check_object(c, node->variant.variants[found].node, at);
        return;
    }
    struct place here = {.up = c->place, .key = node->variant.discriminator};
    c->place = &here;
    if (tag == 0)
        check_fail(c, node, "required", "is required");
    else
        check_fail_limit(c, node, "unknown_tag", "must be one of", node->shown,
                         "must be one of the values that are allowed");
    c->place = here.up;
}
