#ifndef SPEC_PLAN_FIXTURE_H
#define SPEC_PLAN_FIXTURE_H
/* Plans and documents for tests, written short:
 *
 *     struct plan *p = plan_new();
 *     struct plan_node *title = plan_node_new(p, PLAN_STRING);
 *     title->max = 5;
 *     fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "title", title));
 *     TAKES(p, "{\"title\":\"short\"}", "{\"title\":\"short\"}");
 *     REFUSES(p, "{\"title\":\"too long\"}", "body.title too_long must be at most 5 characters | 5\n");
 *     plan_free(p);
 */
#include "plan/check.h"
#include "spec/core/test.h"
#include <stdarg.h>
#include <stdlib.h>

static __attribute__((unused)) struct json_doc fixture_doc(struct arena *a, const char *text)
{
    struct json_doc doc;
    struct json_error err;
    if (json_read(slice_str(text), 1000, a, &doc, &err) != JSON_OK)
        test_fail(__FILE__, __LINE__, text);
    return doc;
}

/* n pairs of name and node. */
static __attribute__((unused)) struct plan_node *fixture_object(struct plan *p, enum plan_extra extra, unsigned n, ...)
{
    struct plan_node *node = plan_node_new(p, PLAN_OBJECT);
    va_list args;

    node->object.fields = arena_alloc(&p->arena, (n + 1) * sizeof *node->object.fields);
    node->object.n = n;
    node->object.extra = extra;
    va_start(args, n);
    for (unsigned i = 0; i < n; i++) {
        const char *name = va_arg(args, const char *);
        node->object.fields[i] = (struct plan_field){.name = slice_str(name), .node = va_arg(args, struct plan_node *)};
    }
    va_end(args);
    return node;
}

static __attribute__((unused)) struct plan_node *fixture_array(struct plan *p, struct plan_node *items)
{
    struct plan_node *node = plan_node_new(p, PLAN_ARRAY);
    node->array.items = items;
    return node;
}

static __attribute__((unused)) struct plan_node *fixture_literal(struct plan *p, const char *json)
{
    struct plan_node *node = plan_node_new(p, PLAN_LITERAL);
    node->literal = fixture_doc(&p->arena, json);
    return node;
}

/* n strings. */
static __attribute__((unused)) struct plan_node *fixture_enum(struct plan *p, unsigned n, ...)
{
    struct plan_node *node = plan_node_new(p, PLAN_ENUM);
    va_list args;

    node->choice.values = arena_alloc(&p->arena, (n + 1) * sizeof *node->choice.values);
    node->choice.n = n;
    va_start(args, n);
    for (unsigned i = 0; i < n; i++)
        node->choice.values[i] = slice_str(va_arg(args, const char *));
    va_end(args);
    return node;
}

/* n pairs of tag and object. */
static __attribute__((unused)) struct plan_node *fixture_union(struct plan *p, const char *discriminator, unsigned n, ...)
{
    struct plan_node *node = plan_node_new(p, PLAN_UNION);
    va_list args;

    node->variant.discriminator = slice_str(discriminator);
    node->variant.variants = arena_alloc(&p->arena, (n + 1) * sizeof *node->variant.variants);
    node->variant.n = n;
    va_start(args, n);
    for (unsigned i = 0; i < n; i++) {
        const char *tag = va_arg(args, const char *);
        node->variant.variants[i] = (struct plan_field){.name = slice_str(tag), .node = va_arg(args, struct plan_node *)};
    }
    va_end(args);
    return node;
}

static __attribute__((unused)) struct plan_node *fixture_optional(struct plan_node *node)
{
    node->optional = true;
    return node;
}

static __attribute__((unused)) struct plan_node *fixture_default(struct plan *p, struct plan_node *node, const char *json)
{
    node->has_default = true;
    node->fallback = fixture_doc(&p->arena, json);
    return node;
}

static __attribute__((unused)) void fixture_finish(struct plan *p, struct plan_node *root)
{
    char err[ERR_MAX] = "";
    if (plan_finish(p, root, err) != 0)
        test_fail(__FILE__, __LINE__, err);
}

static __attribute__((unused)) void fixture_unfinished(struct plan *p, struct plan_node *root, const char *want)
{
    char err[ERR_MAX] = "";
    CHECK_INT(plan_finish(p, root, err), -1);
    CHECK_STR(err, strlen(err), want);
    plan_free(p);
}

/* The tape as JSON. Checks on the way that `next` and `count` are right. */
static __attribute__((unused)) uint32_t fixture_show(struct buf *out, const struct json_doc *doc, uint32_t i)
{
    static const char *const words[] = {"null", "false", "true"};
    CHECK(i < doc->n);
    const struct json_node *node = &doc->nodes[i];
    uint32_t at = i + 1;

    if (node->type <= JSON_TRUE)
        buf_str(out, words[node->type]);
    else if (node->type == JSON_INT)
        json_write_int(out, node->i);
    else if (node->type == JSON_DOUBLE)
        CHECK_INT(json_write_double(out, node->d), 0);
    else if (node->type == JSON_STRING)
        json_write_string(out, node->s);
    else {
        buf_char(out, node->type == JSON_ARRAY ? '[' : '{');
        for (uint32_t k = 0; k < node->count; k++) {
            if (k > 0)
                buf_char(out, ',');
            if (node->type == JSON_OBJECT) {
                CHECK(doc->nodes[at].type == JSON_STRING);
                at = fixture_show(out, doc, at);
                buf_char(out, ':');
            }
            at = fixture_show(out, doc, at);
        }
        buf_char(out, node->type == JSON_ARRAY ? ']' : '}');
    }
    CHECK_INT(node->next, at);
    return at;
}

static __attribute__((unused)) void fixture_show_errors(struct buf *out, const struct plan_errors *errs)
{
    for (unsigned i = 0; i < errs->n; i++) {
        const struct plan_error *e = &errs->list[i];
        buf_slice(out, e->field);
        buf_char(out, ' ');
        buf_str(out, e->code);
        buf_char(out, ' ');
        buf_slice(out, e->message);
        if (e->limit.n > 0) {
            buf_lit(out, " | ");
            buf_slice(out, e->limit);
        }
        buf_char(out, '\n');
    }
}

/* Checks `text` and compares what comes out: JSON, or a line for each error. The input is on the heap without a NUL, so
 * that a sanitizer sees any look past its end. */
static __attribute__((unused)) void fixture_check(const struct plan *p, enum plan_source source, const char *text, bool good,
                                                  const char *want, const char *file, int line)
{
    struct arena a = {0};
    struct buf shown = BUF_INIT;
    struct plan_errors errs = {.n = 0};
    struct json_doc in, out;
    struct json_error err;
    size_t n = strlen(text);
    char *copy = memcpy(malloc(n), text, n);

    if (json_read(slice_of(copy, n), 1000, &a, &in, &err) != JSON_OK)
        test_fail(file, line, text);
    unsigned failed = plan_check(p, &in, 0, source, "body", &a, &out, &errs);
    if (failed == 0) {
        CHECK_INT(fixture_show(&shown, &out, 0), out.n);
        CHECK_INT(errs.n, 0);
    } else {
        CHECK(out.nodes == NULL);
        CHECK(errs.n == failed || errs.more);
        fixture_show_errors(&shown, &errs);
    }
    if (good != (failed == 0))
        printf("  %s:%d: %s was %s\n", file, line, text, failed == 0 ? "taken" : "refused");
    test_check_str(file, line, text, shown.p, shown.n, want, strlen(want));
    CHECK(good == (failed == 0));
    buf_free(&shown);
    arena_free(&a);
    free(copy);
}
#define TAKES(p, text, want) fixture_check(p, PLAN_JSON, text, true, want, __FILE__, __LINE__)
#define REFUSES(p, text, want) fixture_check(p, PLAN_JSON, text, false, want, __FILE__, __LINE__)
#define TAKES_TEXT(p, text, want) fixture_check(p, PLAN_TEXT, text, true, want, __FILE__, __LINE__)
#define REFUSES_TEXT(p, text, want) fixture_check(p, PLAN_TEXT, text, false, want, __FILE__, __LINE__)
#endif
