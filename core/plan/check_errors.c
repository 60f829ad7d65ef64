#include "plan/check_internal.h"
#include "base/number.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdio.h>

enum {
    /* A plan is no deeper than PLAN_DEPTH_MAX; one more for a discriminator that is missing. */
    PLACES_MAX = PLAN_DEPTH_MAX + 2,
    MESSAGE_BYTES_MAX = 256,
    LIMIT_BYTES_SHOWN = 160 /* longer ones are only in `limit` */
};

struct path {
    char p[PLAN_FIELD_BYTES_MAX];
    size_t n;
    bool is_cut;
};

static void put(struct path *path, const char *p, size_t n)
{
    static const char dots[] = "...";
    const size_t room = sizeof path->p - (sizeof dots - 1);

    if (path->is_cut)
        return;
    if (n > room - path->n) {
        n = utf8_valid_prefix(slice_of(p, room - path->n));
        path->is_cut = true;
    }
    memcpy(path->p + path->n, p, n);
    path->n += n;
    if (path->is_cut) {
        memcpy(path->p + path->n, dots, sizeof dots - 1);
        path->n += sizeof dots - 1;
    }
}

static bool is_plain(struct slice key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i], low = (char)(c | 0x20);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$'))
            return false;
    }
    return key.n > 0;
}

/* A key that could be taken for several, or that a terminal should not see: ["a.b"]. */
static void put_odd_key(struct path *path, struct slice key)
{
    bool is_text = key.n == 0 || utf8_is_valid(key);

    put(path, "[\"", 2);
    for (size_t i = 0, n; i < key.n && !path->is_cut; i += n) {
        unsigned char c = (unsigned char)key.p[i];
        n = c >= 0x80 && is_text ? utf8_sequence(key.p + i, key.p + key.n) : 1;
        if (c == '"' || c == '\\')
            put(path, "\\", 1);
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text))
            put(path, "?", 1);
        else
            put(path, key.p + i, n);
    }
    put(path, "\"]", 2);
}

static void put_place(struct path *path, const struct place *place)
{
    char number[NUMBER_TEXT_MAX];

    if (place->is_index) {
        put(path, "[", 1);
        put(path, number, number_write_u64(number, place->index));
        put(path, "]", 1);
    } else if (is_plain(place->key)) {
        if (path->n > 0)
            put(path, ".", 1);
        put(path, place->key.p, place->key.n);
    } else {
        put_odd_key(path, place->key);
    }
}

static struct slice path_of(const struct check *c)
{
    const struct place *places[PLACES_MAX];
    struct path path = {.n = 0};
    unsigned n = 0;

    put(&path, c->root, strlen(c->root));
    for (const struct place *p = c->place; p != NULL && n < PLACES_MAX; p = p->up)
        places[n++] = p;
    while (n > 0)
        put_place(&path, places[--n]);
    return slice_of(arena_dup(c->arena, path.p, path.n), path.n);
}

static struct slice keep(struct arena *arena, struct slice s)
{
    return s.n > 0 ? slice_of(arena_dup(arena, s.p, s.n), s.n) : s;
}

void plan_error_add(struct plan_errors *errs, struct arena *arena, struct slice field, const char *code,
                    struct slice message, struct slice limit)
{
    if (errs->n == PLAN_ERRORS_MAX) {
        errs->more = true;
        return;
    }
    errs->list[errs->n++] = (struct plan_error){keep(arena, field), code, keep(arena, message), keep(arena, limit)};
}

static void add(struct check *c, const struct plan_node *node, const char *code, struct slice limit, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void add(struct check *c, const struct plan_node *node, const char *code, struct slice limit, const char *format, ...)
{
    char text[MESSAGE_BYTES_MAX];
    va_list args;

    c->failed++;
    if (c->errs->n == PLAN_ERRORS_MAX) {
        c->errs->more = true;
        c->stopped = true;
        return;
    }
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct slice ours = slice_of(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
    plan_error_add(c->errs, c->arena, path_of(c), code, node->message.n > 0 ? node->message : ours, limit);
}

void check_fail(struct check *c, const struct plan_node *node, const char *code, const char *message)
{
    add(c, node, code, slice_of(NULL, 0), "%s", message);
}

void check_fail_limit(struct check *c, const struct plan_node *node, const char *code, const char *before,
                      struct slice limit, const char *instead)
{
    struct slice shown = limit;

    if (limit.n > 1 && limit.p[0] == '[') /* a list, of which a sentence shows the members */
        shown = slice_of(limit.p + 1, limit.n - 2);
    if (shown.n <= LIMIT_BYTES_SHOWN)
        add(c, node, code, limit, "%s %.*s", before, (int)shown.n, shown.p);
    else
        add(c, node, code, limit, "%s", instead);
}

void check_fail_int(struct check *c, const struct plan_node *node, const char *code, const char *before, int64_t limit)
{
    char text[NUMBER_TEXT_MAX];
    check_fail_limit(c, node, code, before, slice_of(text, number_write_i64(text, limit)), before);
}

void check_fail_double(struct check *c, const struct plan_node *node, const char *code, const char *before, double limit)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_write_double(text, limit);
    if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0) /* nobody asked for "at least 1.0" */
        n -= 2;
    check_fail_limit(c, node, code, before, slice_of(text, n), before);
}

void check_fail_count(struct check *c, const struct plan_node *node, const char *code, const char *before, int64_t limit,
                      const char *unit)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_write_i64(text, limit);
    add(c, node, code, slice_of(text, n), "%s %.*s %s%s", before, (int)n, text, unit, limit == 1 ? "" : "s");
}

void plan_errors_write(const struct plan_errors *errs, struct buf *out)
{
    buf_char(out, '[');
    for (unsigned i = 0; i < errs->n; i++) {
        const struct plan_error *e = &errs->list[i];
        if (i > 0)
            buf_char(out, ',');
        buf_lit(out, "{\"field\":");
        json_write_string(out, e->field);
        buf_lit(out, ",\"code\":");
        json_write_string(out, slice_str(e->code));
        buf_lit(out, ",\"message\":");
        json_write_string(out, e->message);
        if (e->limit.n > 0) {
            buf_lit(out, ",\"limit\":");
            buf_slice(out, e->limit);
        }
        buf_char(out, '}');
    }
    buf_char(out, ']');
}
