#include "http/route.h"

#include "base/arena.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* A node is one segment after its parent. A match walks from the root, and a path through the tree names its node, so
 * that even with all the turning back each node is seen at most once per request. */
struct node {
    struct slice text;      /* of a literal */
    struct node **literals; /* owned, sorted by compare_text */
    size_t literal_count;
    struct node *param;                 /* owned; {name}, whatever the name */
    struct route *routes[METHOD_COUNT]; /* borrowed from the table */
    unsigned allow;
};

struct route_table {
    unsigned count;
    void (*on_free)(void *arg);
    void *arg;
    struct arena strings;
    struct node root;
    struct route **routes; /* owned, in the order they were added */
    size_t n, cap;
};

struct route_table *route_table_new(void (*on_free)(void *arg), void *arg)
{
    struct route_table *t = mem_zalloc(sizeof *t);
    t->count = 1;
    t->on_free = on_free;
    t->arg = arg;
    return t;
}

void route_table_ref(struct route_table *t)
{
    t->count++;
}

static void free_children(struct node *node)
{
    for (size_t i = 0; i < node->literal_count; i++) {
        free_children(node->literals[i]);
        free(node->literals[i]);
    }
    free(node->literals);
    if (node->param != NULL)
        free_children(node->param);
    free(node->param);
}

void route_table_unref(struct route_table *t)
{
    if (t == NULL || --t->count > 0)
        return;
    void (*on_free)(void *) = t->on_free;
    void *arg = t->arg;
    free_children(&t->root);
    for (size_t i = 0; i < t->n; i++)
        free(t->routes[i]);
    free(t->routes);
    arena_free(&t->strings);
    free(t);
    if (on_free != NULL)
        on_free(arg);
}

static int compare_text(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

/* Where text is among the literals, or where it would be. */
static size_t literal_place(const struct node *node, struct slice text, bool *found)
{
    size_t low = 0, high = node->literal_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = compare_text(node->literals[mid]->text, text);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = false;
    return low;
}

static struct node *literal_make(struct node *node, struct slice text)
{
    bool found;
    size_t at = literal_place(node, text, &found);
    if (found)
        return node->literals[at];
    node->literals = mem_realloc(node->literals, (node->literal_count + 1) * sizeof *node->literals);
    memmove(node->literals + at + 1, node->literals + at, (node->literal_count - at) * sizeof *node->literals);
    node->literal_count++;
    node->literals[at] = mem_zalloc(sizeof **node->literals);
    node->literals[at]->text = text;
    return node->literals[at];
}

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return s.n > 0;
}

/* Literals are compared after decoding, so they are written as they read: no "%", and nothing that has a meaning. */
static bool is_literal(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == 0x7f || strchr("\"#%<>?\\{}", c) != NULL)
            return false;
    }
    return true;
}

static bool is_param(struct slice s)
{
    return s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}';
}

static struct slice next_segment(const char *p, const char *end)
{
    const char *slash = memchr(p, '/', (size_t)(end - p));
    return (struct slice){p, (size_t)((slash != NULL ? slash : end) - p)};
}

static const char *note_param(struct route *route, struct slice name)
{
    if (!is_name(name))
        return "a parameter's name is letters, digits and underscores";
    if (route->param_count == ROUTE_PARAMS_MAX)
        return "too many parameters";
    for (unsigned i = 0; i < route->param_count; i++)
        if (slice_eq(route->params[i], name))
            return "two parameters of one name";
    route->params[route->param_count++] = name;
    return NULL;
}

/* Fills in route->params; NULL, or what is wrong with the pattern. */
static const char *check_pattern(struct route *route)
{
    const char *p = route->pattern.p, *end = p + route->pattern.n;
    unsigned segments = 0;
    if (p == end || *p != '/')
        return "a pattern starts with /";
    while (p < end) {
        struct slice segment = next_segment(p + 1, end);
        p = segment.p + segment.n;
        if (++segments > ROUTE_SEGMENTS_MAX)
            return "too many segments";
        if (segment.n == 0 && p < end)
            return "an empty segment";
        if (is_param(segment)) {
            const char *why = note_param(route, slice_of(segment.p + 1, segment.n - 2));
            if (why != NULL)
                return why;
        } else if (!is_literal(segment)) {
            return "a segment is a literal or one {name}";
        }
    }
    return NULL;
}

static struct node *make_path(struct route_table *t, struct slice pattern)
{
    struct node *node = &t->root;
    const char *p = pattern.p, *end = p + pattern.n;
    while (p < end) {
        struct slice segment = next_segment(p + 1, end);
        p = segment.p + segment.n;
        if (!is_param(segment)) {
            node = literal_make(node, segment);
        } else {
            if (node->param == NULL)
                node->param = mem_zalloc(sizeof *node->param);
            node = node->param;
        }
    }
    return node;
}

int route_add(struct route_table *t, const struct route *spec, char *err, size_t err_n)
{
    struct route *route = mem_alloc(sizeof *route);
    *route = *spec;
    route->pattern = slice_of(arena_dup(&t->strings, spec->pattern.p, spec->pattern.n), spec->pattern.n);
    route->scopes = slice_of(arena_dup(&t->strings, spec->scopes.p, spec->scopes.n), spec->scopes.n);
    route->param_count = 0;
    const char *why = check_pattern(route);
    struct node *node = why == NULL ? make_path(t, route->pattern) : NULL;
    if (node != NULL && node->routes[route->method] != NULL)
        why = "the same method and path twice";
    if (why != NULL) {
        snprintf(err, err_n, "%s %.*s: %s", http_method_names[spec->method].p, (int)spec->pattern.n, spec->pattern.p, why);
        free(route);
        return -1;
    }
    node->routes[route->method] = route;
    node->allow |= 1u << route->method | 1u << METHOD_OPTIONS;
    if (route->method == METHOD_GET)
        node->allow |= 1u << METHOD_HEAD;
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 16 : t->cap * 2;
        t->routes = mem_realloc(t->routes, t->cap * sizeof(struct route *));
    }
    t->routes[t->n++] = route;
    return 0;
}

struct walk {
    enum http_method method;
    const char *base, *end; /* of the path */
    struct route_match *out;
    struct span params[ROUTE_PARAMS_MAX];
};

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The segment without its escapes (whose form head_scan has checked); n 0 when it is longer than any literal. */
static struct slice decode_segment(struct slice s, char *out, size_t out_n)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (n == out_n)
            return slice_of(out, 0);
        if (s.p[i] == '%' && s.n - i > 2) {
            out[n++] = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return slice_of(out, n);
}

static const struct node *literal_find(const struct node *node, struct slice segment)
{
    char decoded[256];
    if (node->literal_count == 0)
        return NULL;
    if (segment.n > 0 && memchr(segment.p, '%', segment.n) != NULL)
        segment = decode_segment(segment, decoded, sizeof decoded);
    bool found;
    size_t at = literal_place(node, segment, &found);
    return found ? node->literals[at] : NULL;
}

/* Ends at a node: has it the method? A path may end at several nodes (/a/{x} and /a/b); the allow mask gathers them all. */
static bool settle(struct walk *w, const struct node *node, unsigned param_count)
{
    const struct route *route = node->routes[w->method];
    if (route == NULL && w->method == METHOD_HEAD)
        route = node->routes[METHOD_GET];
    w->out->allow |= node->allow;
    if (route == NULL)
        return false;
    w->out->route = route;
    memcpy(w->out->params, w->params, param_count * sizeof *w->params);
    return true;
}

/* p is at the slash before the next segment. Depth is bounded by the patterns: ROUTE_SEGMENTS_MAX. */
static bool walk(struct walk *w, const struct node *node, const char *p, unsigned param_count)
{
    if (p == w->end)
        return settle(w, node, param_count);
    struct slice segment = next_segment(p + 1, w->end);
    const char *next = segment.p + segment.n;
    const struct node *literal = literal_find(node, segment);
    if (literal != NULL && walk(w, literal, next, param_count))
        return true;
    if (node->param == NULL || segment.n == 0)
        return false;
    w->params[param_count] = (struct span){(uint16_t)(segment.p - w->base), (uint16_t)segment.n};
    return walk(w, node->param, next, param_count + 1);
}

enum route_status route_match(const struct route_table *t, enum http_method method, const char *base, struct span path,
                              struct route_match *out)
{
    const char *p = base + path.at;
    struct walk w = {.method = method, .base = base, .end = p + path.n, .out = out};
    out->route = NULL;
    out->allow = 0;
    if (path.n == 0 || *p != '/')
        return ROUTE_NOT_FOUND;
    if (walk(&w, &t->root, p, 0))
        return ROUTE_FOUND;
    return out->allow != 0 ? ROUTE_METHOD_NOT_ALLOWED : ROUTE_NOT_FOUND;
}

void route_table_count(struct route_table *t, struct http_metrics *m)
{
    for (size_t i = 0; i < t->n; i++)
        t->routes[i]->series = metrics_series(m, http_method_names[t->routes[i]->method], t->routes[i]->pattern);
}

size_t route_count(const struct route_table *t)
{
    return t->n;
}

const struct route *route_at(const struct route_table *t, size_t i)
{
    return t->routes[i];
}

size_t route_write_allow(char out[static 64], unsigned allow)
{
    size_t n = 0;
    for (enum http_method m = 0; m < METHOD_COUNT; m++) {
        if ((allow & 1u << m) == 0)
            continue;
        if (n > 0) {
            memcpy(out + n, ", ", 2);
            n += 2;
        }
        memcpy(out + n, http_method_names[m].p, http_method_names[m].n);
        n += http_method_names[m].n;
    }
    return n;
}

void *route_table_arg(const struct route_table *t)
{
    return t->arg;
}
