#include "base/mem.h"
#include "base/number.h"
#include "plan/json.h"
#include "plan/json_keys.h"
#include "plan/json_string.h"
#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_NODES = 48, /* 1.5 KiB of the arena: a typical body needs no more */
};
static const uint32_t NONE = UINT32_MAX;

struct reader {
    const char *start, *p, *end;
    struct json_node *nodes;
    uint32_t n, cap;
    uint32_t open; /* the innermost container that is not closed; its `next` is the one around it until then */
    unsigned depth, depth_max;
    bool grammar; /* nothing but RFC 8259: no rules of our own on NUL and keys */
    bool on_heap; /* the nodes outgrew the arena's piece */
    struct arena *arena;
    struct json_error *err;
};

static enum json_status refuse(struct reader *r, const char *at, enum json_status status, const char *message)
{
    *r->err = (struct json_error){status, (size_t)(at - r->start), message};
    return status;
}

static enum json_status refuse_here(struct reader *r, const char *what)
{
    return refuse(r, r->p, JSON_SYNTAX, r->p == r->end ? "unexpected end" : what);
}

static void grow(struct reader *r)
{
    size_t bytes = sizeof *r->nodes * r->cap;
    struct json_node *old = r->nodes;

    r->nodes = mem_realloc(r->on_heap ? old : NULL, bytes * 2);
    if (!r->on_heap)
        memcpy(r->nodes, old, bytes);
    r->on_heap = true;
    r->cap *= 2;
}

static inline struct json_node *add(struct reader *r, enum json_type type)
{
    if (r->n == r->cap)
        grow(r);
    struct json_node *node = &r->nodes[r->n++];
    node->type = type;
    node->next = r->n;
    node->count = node->label = 0;
    return node;
}

static void skip_blanks(struct reader *r)
{
    const char *p = r->p;
    while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    r->p = p;
}

static bool is_at(const struct reader *r, char c)
{
    return r->p < r->end && *r->p == c;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* RFC 8259 section 6. Returns where the number ends, NULL with r->p at what is wrong. */
static const char *scan_number(struct reader *r, bool *is_int)
{
    const char *p = r->p, *end = r->end;

    p += *p == '-';
    const char *digits = p;
    p = skip_digits(p, end);
    r->p = p;
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    *is_int = true;
    if (p < end && *p == '.') {
        *is_int = false;
        digits = ++p;
        r->p = p = skip_digits(p, end);
        if (p == digits)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *is_int = false;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        digits = p;
        r->p = p = skip_digits(p, end);
        if (p == digits)
            return NULL;
    }
    return p;
}

/* Up to 18 digits can't overflow and are most of the numbers there are. False: it is another kind, or none. */
static bool read_short_integer(struct reader *r)
{
    const char *p = r->p + (*r->p == '-'), *digits = p;
    uint64_t v = 0;

    for (; p < r->end && p - digits <= 18 && *p >= '0' && *p <= '9'; p++)
        v = v * 10 + (uint64_t)(*p - '0');
    if (p == digits || p - digits > 18 || (*digits == '0' && p - digits > 1))
        return false;
    if (p < r->end && (*p == '.' || (*p | 0x20) == 'e'))
        return false;
    add(r, JSON_INT)->i = *r->p == '-' ? -(int64_t)v : (int64_t)v;
    r->p = p;
    return true;
}

static enum json_status read_number(struct reader *r)
{
    if (read_short_integer(r))
        return JSON_OK;
    const char *start = r->p;
    bool is_int = false;
    const char *end = scan_number(r, &is_int);

    if (end == NULL)
        return refuse_here(r, "not a number");
    r->p = end;
    struct slice text = slice_of(start, (size_t)(end - start));
    struct json_node *node = add(r, is_int ? JSON_INT : JSON_DOUBLE);
    if (is_int && number_read_i64(text, &node->i) != NUMBER_OK)
        return refuse(r, start, JSON_NUMBER_RANGE, "an integer must fit in 64 bits");
    if (!is_int && number_read_double(text, &node->d) != NUMBER_OK)
        return refuse(r, start, JSON_NUMBER_RANGE, "a number is too large");
    return JSON_OK;
}

static enum json_status read_word(struct reader *r, const char *word, size_t n, enum json_type type)
{
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return refuse(r, r->p, JSON_SYNTAX, "unexpected character");
    r->p += n;
    add(r, type);
    return JSON_OK;
}

/* r->p stands on the opening quote. */
static enum json_status read_string(struct reader *r)
{
    const char *quote = r->p++, *message;
    struct slice s;

    enum json_status rc = json_string_read(&r->p, r->end, r->grammar, r->arena, &s, &message);
    if (rc != JSON_OK)
        return refuse(r, r->p, rc, message);
    struct json_node *node = add(r, JSON_STRING);
    node->s = s;
    node->count = (uint32_t)(quote - r->start);
    return JSON_OK;
}

static enum json_status open_container(struct reader *r, enum json_type type)
{
    if (r->depth == r->depth_max)
        return refuse(r, r->p, JSON_DEPTH, "nested too deeply");
    r->depth++;
    r->p++;
    add(r, type)->next = r->open;
    r->open = r->n - 1;
    return JSON_OK;
}

static enum json_status close_container(struct reader *r)
{
    struct json_node *node = &r->nodes[r->open];
    uint32_t around = node->next;

    r->p++;
    node->next = r->n;
    if (node->type == JSON_OBJECT && !r->grammar) {
        const struct json_node *key = json_keys_duplicate(r->nodes, r->open);
        if (key != NULL)
            return refuse(r, r->start + key->count, JSON_DUPLICATE_KEY, "a key is there twice");
    }
    r->open = around;
    r->depth--;
    return JSON_OK;
}

static enum json_status read_key(struct reader *r)
{
    skip_blanks(r);
    if (!is_at(r, '"'))
        return refuse_here(r, "a key must be a string");
    enum json_status rc = read_string(r);
    if (rc != JSON_OK)
        return rc;
    skip_blanks(r);
    if (!is_at(r, ':'))
        return refuse_here(r, "':' expected");
    r->p++;
    return JSON_OK;
}

/* A scalar whole, or the opening of a container. */
static enum json_status read_value(struct reader *r)
{
    skip_blanks(r);
    if (r->p == r->end)
        return refuse_here(r, "");
    switch (*r->p) {
    case '"':
        return read_string(r);
    case '{':
        return open_container(r, JSON_OBJECT);
    case '[':
        return open_container(r, JSON_ARRAY);
    case 't':
        return read_word(r, "true", 4, JSON_TRUE);
    case 'f':
        return read_word(r, "false", 5, JSON_FALSE);
    case 'n':
        return read_word(r, "null", 4, JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(r);
    default:
        return refuse(r, r->p, JSON_SYNTAX, "unexpected character");
    }
}

/* After a value: closes what ends here, and steps over the comma if another member follows. */
static enum json_status read_after(struct reader *r)
{
    while (r->open != NONE) {
        struct json_node *container = &r->nodes[r->open];
        char close = container->type == JSON_OBJECT ? '}' : ']';

        container->count++;
        skip_blanks(r);
        if (is_at(r, ',')) {
            r->p++;
            return JSON_OK;
        }
        if (!is_at(r, close))
            return refuse_here(r, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
        enum json_status rc = close_container(r);
        if (rc != JSON_OK)
            return rc;
    }
    return JSON_OK;
}

/* One member, with all that is closed behind it. A container that was just opened has its first member next, unless it is
 * empty. */
static enum json_status read_member(struct reader *r)
{
    enum json_status rc = JSON_OK;

    if (r->open != NONE && r->nodes[r->open].type == JSON_OBJECT)
        rc = read_key(r);
    if (rc == JSON_OK)
        rc = read_value(r);
    if (rc != JSON_OK)
        return rc;
    if (r->open == r->n - 1) {
        skip_blanks(r);
        if (!is_at(r, r->nodes[r->open].type == JSON_OBJECT ? '}' : ']'))
            return JSON_OK;
        rc = close_container(r);
    }
    return rc == JSON_OK ? read_after(r) : rc;
}

static enum json_status read_document(struct reader *r)
{
    if (r->end - r->p >= 3 && memcmp(r->p, "\xef\xbb\xbf", 3) == 0) /* RFC 8259 8.1: must not be added */
        return refuse(r, r->p, JSON_SYNTAX, "a byte order mark is not allowed");
    skip_blanks(r);
    if (r->p == r->end)
        return refuse(r, r->p, JSON_EMPTY, "empty");
    do {
        enum json_status rc = read_member(r);
        if (rc != JSON_OK)
            return rc;
    } while (r->open != NONE);
    skip_blanks(r);
    if (r->p != r->end)
        return refuse(r, r->p, JSON_SYNTAX, "something follows the value");
    return JSON_OK;
}

static enum json_status read_all(struct slice in, bool grammar, unsigned depth_max, struct arena *arena,
                                 struct json_doc *doc, struct json_error *err)
{
    struct reader r = {
        .grammar = grammar,
        .start = in.p,
        .p = in.p,
        .end = in.p + in.n,
        .open = NONE,
        .depth_max = depth_max,
        .arena = arena,
        .err = err,
        .nodes = arena_alloc(arena, FIRST_NODES * sizeof *r.nodes),
        .cap = FIRST_NODES,
    };

    *err = (struct json_error){JSON_OK, 0, NULL};
    *doc = (struct json_doc){NULL, 0};
    if (in.n >= UINT32_MAX)
        return refuse(&r, in.p, JSON_SYNTAX, "too large");
    enum json_status rc = in.n == 0 ? refuse(&r, in.p, JSON_EMPTY, "empty") : read_document(&r);
    if (rc != JSON_OK) {
        if (r.on_heap)
            free(r.nodes);
        return rc;
    }
    if (r.on_heap)
        arena_defer(arena, free, r.nodes);
    *doc = (struct json_doc){r.nodes, r.n};
    return JSON_OK;
}

enum json_status json_read(struct slice in, unsigned depth_max, struct arena *arena, struct json_doc *doc,
                           struct json_error *err)
{
    return read_all(in, false, depth_max, arena, doc, err);
}

enum json_status json_read_grammar(struct slice in, unsigned depth_max, struct arena *arena, struct json_doc *doc,
                                   struct json_error *err)
{
    return read_all(in, true, depth_max, arena, doc, err);
}
