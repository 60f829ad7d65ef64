#include "script/request/text_doc.h"

#include "base/utf8.h"
#include "http/request.h"
#include "script/request/percent.h"
#include <string.h>

static void add(struct text_pairs *out, struct slice name, struct slice value)
{
    if (out->n == TEXT_PAIRS_MAX) {
        out->more = true;
        return;
    }
    out->list[out->n++] = (struct text_pair){.name = name, .value = value};
}

static struct slice decoded(struct slice s, bool plus, struct arena *a)
{
    if (!percent_is_encoded(s, plus))
        return s;
    char *p = arena_alloc(a, s.n);
    return slice_of(p, percent_decode(p, s, plus));
}

void text_doc_params(const struct request *r, struct arena *a, struct text_pairs *out)
{
    const struct route *route = r->match.route;
    for (unsigned i = 0; i < route->param_count; i++)
        add(out, route->params[i], decoded(span_slice(r->base, r->match.params[i]), false, a));
}

void text_doc_headers(const struct request *r, struct arena *a, struct text_pairs *out)
{
    for (unsigned i = 0; i < r->head.header_count; i++) {
        struct slice name = span_slice(r->base, r->head.headers[i].name);
        char *p = arena_alloc(a, name.n);
        slice_lower(p, name);
        add(out, slice_of(p, name.n), span_slice(r->base, r->head.headers[i].value));
    }
}

/* "a=1; b=2"; a value in double quotes goes without them. */
static void add_cookies(struct slice s, struct text_pairs *out)
{
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *semi = memchr(p, ';', (size_t)(end - p));
        const char *stop = semi ? semi : end;
        while (p < stop && *p == ' ')
            p++;
        const char *eq = memchr(p, '=', (size_t)(stop - p));
        if (eq != NULL && eq > p) {
            struct slice value = slice_of(eq + 1, (size_t)(stop - eq - 1));
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
                value = slice_of(value.p + 1, value.n - 2);
            add(out, slice_of(p, (size_t)(eq - p)), value);
        }
        p = stop + 1;
    }
}

void text_doc_cookies(const struct request *r, struct text_pairs *out)
{
    for (unsigned i = 0; i < r->head.header_count; i++) {
        if (r->head.headers[i].id == HEADER_COOKIE)
            add_cookies(span_slice(r->base, r->head.headers[i].value), out);
    }
}

void text_doc_urlencoded(struct slice s, struct arena *a, struct text_pairs *out)
{
    struct slice name, value;
    while (percent_next_pair(&s, &name, &value))
        add(out, decoded(name, true, a), decoded(value, true, a));
}

static bool is_text(struct slice s)
{
    return s.n == 0 || (memchr(s.p, 0, s.n) == NULL && utf8_is_valid(s));
}

static bool is_right(const struct text_pair *pair)
{
    return is_text(pair->name) && (pair->is_file || is_text(pair->value));
}

static struct json_node string_node(uint32_t at, struct slice s)
{
    return (struct json_node){.type = JSON_STRING, .next = at + 1, .s = s};
}

const struct text_pair *text_doc_build(const struct text_pairs *pairs, struct arena *a, struct json_doc *doc)
{
    struct json_node *nodes = arena_alloc(a, (1 + 3 * (size_t)pairs->n) * sizeof *nodes);
    bool taken[TEXT_PAIRS_MAX] = {false};
    uint32_t n = 1, members = 0;
    for (unsigned i = 0; i < pairs->n; i++) {
        const struct text_pair *pair = &pairs->list[i];
        if (!is_right(pair))
            return pair;
        if (taken[i])
            continue;
        members++;
        nodes[n] = string_node(n, pair->name);
        n++;
        uint32_t value = n++;
        nodes[value] = string_node(value, pair->value);
        for (unsigned k = i + 1; k < pairs->n; k++) {
            if (!slice_eq(pairs->list[k].name, pair->name))
                continue;
            if (!is_right(&pairs->list[k]))
                return &pairs->list[k];
            taken[k] = true;
            if (nodes[value].type == JSON_STRING) {
                nodes[value] = (struct json_node){.type = JSON_ARRAY, .count = 1};
                nodes[n] = string_node(n, pair->value);
                n++;
            }
            nodes[n] = string_node(n, pairs->list[k].value);
            n++;
            nodes[value].count++;
        }
        nodes[value].next = n;
    }
    nodes[0] = (struct json_node){.type = JSON_OBJECT, .next = n, .count = members};
    *doc = (struct json_doc){nodes, n};
    return NULL;
}
