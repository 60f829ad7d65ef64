#include "plan/finish.h"
#include "base/number.h"
#include "base/utf8.h"
#include "plan/check.h"
#include "plan/lookup.h"
#include "plan/pattern.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct step { /* from the node above, on the stack */
    const struct step *up;
    const char *part;  /* "fields", "items" */
    struct slice name; /* n 0: none */
};

struct finish {
    struct plan *plan;
    const struct step *here; /* NULL: the root */
    char *err;
};

static int finish_node(struct finish *f, struct plan_node *node, unsigned depth);

static void put_steps(struct buf *out, const struct step *step)
{
    const struct step *steps[PLAN_DEPTH_MAX + 1];
    unsigned n = 0;

    for (; step != NULL && n < PLAN_DEPTH_MAX + 1; step = step->up)
        steps[n++] = step;
    while (n-- > 0) {
        buf_str(out, steps[n]->part);
        if (steps[n]->name.n > 0) {
            buf_char(out, '.');
            buf_slice(out, steps[n]->name);
        }
        buf_str(out, n > 0 ? "." : ": ");
    }
}

static int wrong(struct finish *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(struct finish *f, const char *format, ...)
{
    char why[ERR_MAX];
    struct buf where = BUF_INIT;
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    put_steps(&where, f->here);
    fail(f->err, "%.*s%s", (int)where.n, where.n > 0 ? where.p : "", why);
    buf_free(&where);
    return -1;
}

static int finish_under(struct finish *f, struct plan_node *node, unsigned depth, const char *part, struct slice name)
{
    struct step step = {f->here, part, name};

    f->here = &step;
    int rc = node == NULL ? wrong(f, "is missing") : finish_node(f, node, depth + 1);
    f->here = step.up;
    return rc;
}

static struct slice keep_and_free(struct finish *f, struct buf *b)
{
    struct slice kept = slice_of(arena_dup(&f->plan->arena, b->p, b->n), b->n);
    buf_free(b);
    return kept;
}

static int check_bounds(struct finish *f, const struct plan_node *node, bool is_size)
{
    if (node->min > node->max)
        return wrong(f, "min %lld is above max %lld", (long long)node->min, (long long)node->max);
    if (is_size && (node->max < 0 || (node->min < 0 && node->min != INT64_MIN)))
        return wrong(f, "min and max of a%s %s can't be negative",
                     strchr("aeiou", plan_kind_names[node->kind][0]) ? "n" : "", plan_kind_names[node->kind]);
    return 0;
}

/* What JSON can carry: a reader of ours refuses the rest, so nothing else could ever fit. */
static int check_text_of(struct finish *f, struct slice s, const char *what)
{
    bool good = s.n == 0 || (memchr(s.p, '\0', s.n) == NULL && utf8_is_valid(s));
    return good ? 0 : wrong(f, "%s is not text in UTF-8 without NUL", what);
}

static int finish_string(struct finish *f, struct plan_node *node)
{
    struct slice text = node->string.pattern_text;
    struct buf shown = BUF_INIT;
    char why[ERR_MAX];

    if (text.n == 0)
        return 0;
    if (check_text_of(f, text, "the pattern") != 0)
        return -1;
    node->string.pattern = pattern_new(&f->plan->arena, text, why);
    if (node->string.pattern == NULL)
        return wrong(f, "%s", why);
    json_write_string(&shown, text);
    node->shown = keep_and_free(f, &shown);
    return 0;
}

static int finish_integer(struct finish *f, const struct plan_node *node)
{
    bool open = node->integer.exclusive_min || node->integer.exclusive_max;

    if (open && node->min == node->max)
        return wrong(f, "no integer is between min %lld and max %lld", (long long)node->min, (long long)node->max);
    if (node->integer.multiple_of < 0)
        return wrong(f, "multiple_of must be above 0");
    return 0;
}

static int finish_number(struct finish *f, const struct plan_node *node)
{
    const double min = node->number.min, max = node->number.max, of = node->number.multiple_of;
    bool open = node->number.exclusive_min || node->number.exclusive_max;

    if (isnan(min) || isnan(max))
        return wrong(f, "min and max must be numbers");
    if (min > max || (open && min == max) || min == INFINITY || max == -INFINITY)
        return wrong(f, "no number is between min %g and max %g", min, max);
    if (!(of >= 0) || isinf(of))
        return wrong(f, "multiple_of must be above 0");
    return 0;
}

static int finish_decimal(struct finish *f, const struct plan_node *node)
{
    if (node->decimal.scale > node->decimal.precision)
        return wrong(f, "scale %u is above precision %u", node->decimal.scale, node->decimal.precision);
    return 0;
}

static int finish_literal(struct finish *f, struct plan_node *node)
{
    struct buf shown = BUF_INIT;
    const struct json_node *v = node->literal.n > 0 ? &node->literal.nodes[0] : NULL;

    if (v == NULL || v->type >= JSON_ARRAY || (v->type == JSON_DOUBLE && !isfinite(v->d)))
        return wrong(f, "a literal must be a string, a number, true, false or null");
    if (v->type == JSON_STRING && check_text_of(f, v->s, "the literal") != 0)
        return -1;
    if (v->type == JSON_STRING)
        json_write_string(&shown, v->s);
    else if (v->type == JSON_INT)
        json_write_int(&shown, v->i);
    else if (v->type == JSON_DOUBLE)
        (void)!json_write_double(&shown, v->d);
    else
        buf_str(&shown, v->type == JSON_TRUE ? "true" : v->type == JSON_FALSE ? "false" : "null");
    node->shown = keep_and_free(f, &shown);
    return 0;
}

static struct slice show_list(struct finish *f, const struct slice *list, uint32_t n)
{
    struct buf shown = BUF_INIT;

    buf_char(&shown, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_lit(&shown, ", ");
        json_write_string(&shown, list[i]);
    }
    buf_char(&shown, ']');
    return keep_and_free(f, &shown);
}

static int finish_url(struct finish *f, struct plan_node *node)
{
    if (node->url.n_schemes > 0)
        node->shown = show_list(f, node->url.schemes, node->url.n_schemes);
    return check_bounds(f, node, true);
}

static int finish_enum(struct finish *f, struct plan_node *node)
{
    uint32_t twice;

    if (node->choice.n == 0)
        return wrong(f, "an enum needs a value");
    for (uint32_t i = 0; i < node->choice.n; i++)
        if (check_text_of(f, node->choice.values[i], "a value") != 0)
            return -1;
    node->choice.lookup = lookup_new(&f->plan->arena, node->choice.values, node->choice.n, &twice);
    if (twice < node->choice.n)
        return wrong(f, "the value \"%.*s\" is there twice", (int)node->choice.values[twice].n,
                     node->choice.values[twice].p);
    node->shown = show_list(f, node->choice.values, node->choice.n);
    return 0;
}

/* The names of fields or tags, as a lookup. NULL: one is there twice, which was told. */
static struct plan_lookup *finish_names(struct finish *f, const struct plan_field *fields, uint32_t n, const char *what,
                                        struct slice *shown)
{
    struct slice *names = arena_alloc(&f->plan->arena, (n + 1) * sizeof *names);
    uint32_t twice;

    for (uint32_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    struct plan_lookup *lookup = lookup_new(&f->plan->arena, names, n, &twice);
    if (twice < n) {
        (void)wrong(f, "the %s \"%.*s\" is there twice", what, (int)names[twice].n, names[twice].p);
        return NULL;
    }
    if (shown != NULL)
        *shown = show_list(f, names, n);
    return lookup;
}

static int finish_object(struct finish *f, struct plan_node *node, unsigned depth)
{
    node->object.lookup = finish_names(f, node->object.fields, node->object.n, "field", NULL);
    if (node->object.lookup == NULL)
        return -1;
    for (uint32_t i = 0; i < node->object.n; i++) {
        struct plan_field *field = &node->object.fields[i];
        struct buf key = BUF_INIT;
        if (check_text_of(f, field->name, "the name of a field") != 0)
            return -1;
        json_write_string(&key, field->name);
        buf_char(&key, ':');
        field->key = keep_and_free(f, &key);
        if (finish_under(f, field->node, depth, "fields", field->name) != 0)
            return -1;
    }
    return 0;
}

static bool is_text(const struct plan_node *node)
{
    return (node->kind >= PLAN_DECIMAL && node->kind <= PLAN_ENUM) ||
           (node->kind == PLAN_LITERAL && node->literal.nodes[0].type == JSON_STRING);
}

static int finish_map(struct finish *f, struct plan_node *node, unsigned depth)
{
    struct plan_node *keys = node->map.keys;

    if (check_bounds(f, node, true) != 0)
        return -1;
    if (keys != NULL) {
        if (finish_under(f, keys, depth, "keys", slice_of(NULL, 0)) != 0)
            return -1;
        if (!is_text(keys))
            return wrong(f, "the keys of a map are strings, not of kind %s", plan_kind_names[keys->kind]);
        if (keys->kind == PLAN_STRING && (keys->string.trim || keys->string.lower))
            return wrong(f, "the keys of a map are kept as they are sent: they can't be trimmed or put in lower case");
    }
    return finish_under(f, node->map.values, depth, "values", slice_of(NULL, 0));
}

/* A variant says itself by which tag it is chosen. */
static int finish_variant(struct finish *f, const struct plan_node *node, const struct plan_field *variant, unsigned depth)
{
    struct slice name = node->variant.discriminator;

    if (finish_under(f, variant->node, depth, "variants", variant->name) != 0)
        return -1;
    if (variant->node->kind != PLAN_OBJECT)
        return wrong(f, "the variant \"%.*s\" is not an object", (int)variant->name.n, variant->name.p);
    int i = plan_lookup_find(variant->node->object.lookup, name, 0);
    const struct plan_node *tag = i < 0 ? NULL : variant->node->object.fields[i].node;
    if (tag == NULL || tag->kind != PLAN_LITERAL || tag->literal.nodes[0].type != JSON_STRING ||
        !slice_eq(tag->literal.nodes[0].s, variant->name))
        return wrong(f, "the variant \"%.*s\" must have the field %.*s as a literal of that value", (int)variant->name.n,
                     variant->name.p, (int)name.n, name.p);
    return 0;
}

static int finish_union(struct finish *f, struct plan_node *node, unsigned depth)
{
    if (node->variant.discriminator.n == 0 || node->variant.n == 0)
        return wrong(f, "a union needs a discriminator and a variant");
    node->variant.lookup = finish_names(f, node->variant.variants, node->variant.n, "tag", &node->shown);
    if (node->variant.lookup == NULL)
        return -1;
    for (uint32_t i = 0; i < node->variant.n; i++)
        if (finish_variant(f, node, &node->variant.variants[i], depth) != 0)
            return -1;
    return 0;
}

static int finish_kind(struct finish *f, struct plan_node *node, unsigned depth)
{
    switch (node->kind) {
    case PLAN_STRING:
        return check_bounds(f, node, true) != 0 ? -1 : finish_string(f, node);
    case PLAN_INTEGER:
        return check_bounds(f, node, false) != 0 ? -1 : finish_integer(f, node);
    case PLAN_NUMBER:
        return finish_number(f, node);
    case PLAN_DECIMAL:
        return finish_decimal(f, node);
    case PLAN_URL:
        return finish_url(f, node);
    case PLAN_ENUM:
        return finish_enum(f, node);
    case PLAN_LITERAL:
        return finish_literal(f, node);
    case PLAN_ARRAY:
        if (check_bounds(f, node, true) != 0)
            return -1;
        if (node->array.unique && node->array.items != NULL && node->array.items->kind == PLAN_FILE)
            return wrong(f, "files cannot be unique"); /* their bytes may be on the disk */
        return finish_under(f, node->array.items, depth, "items", slice_of(NULL, 0));
    case PLAN_OBJECT:
        return finish_object(f, node, depth);
    case PLAN_MAP:
        return finish_map(f, node, depth);
    case PLAN_UNION:
        return finish_union(f, node, depth);
    case PLAN_EMAIL:
    case PLAN_FILE:
        return check_bounds(f, node, true);
    default:
        return 0;
    }
}

/* A default is held against its own plan, and kept as what came out. */
static int finish_default(struct finish *f, struct plan_node *node)
{
    struct plan alone = {.root = node};
    struct plan_errors errs = {.n = 0};
    struct json_doc out;

    if (node->fallback.n == 0)
        return wrong(f, "the default is missing");
    if (plan_check(&alone, &node->fallback, 0, PLAN_JSON, "", &f->plan->arena, &out, &errs) == 0) {
        node->fallback = out;
        return 0;
    }
    const struct plan_error *e = &errs.list[0];
    return wrong(f, "the default does not fit: %.*s%s%.*s", (int)e->field.n, e->field.p, e->field.n > 0 ? " " : "",
                 (int)e->message.n, e->message.p);
}

static int finish_node(struct finish *f, struct plan_node *node, unsigned depth)
{
    if (depth > PLAN_DEPTH_MAX)
        return wrong(f, "nested deeper than %d", PLAN_DEPTH_MAX);
    if (finish_kind(f, node, depth) != 0)
        return -1;
    return node->has_default ? finish_default(f, node) : 0;
}

int finish_tree(struct plan *p, struct plan_node *root, char err[static ERR_MAX])
{
    struct finish f = {.plan = p, .err = err};
    return finish_node(&f, root, 1);
}
