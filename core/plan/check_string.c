#include "base/utf8.h"
#include "plan/check_internal.h"
#include "plan/format.h"
#include <stdio.h>

/* Bytes of the blank that s begins with, 0 when it begins with none: what ECMAScript's trim() takes away, that is Unicode's
 * White_Space and the byte order mark. */
static size_t blank_at(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    if (n == 0 || (u[0] > ' ' && u[0] < 0xc2))
        return 0;
    if (u[0] < 0x80)
        return u[0] == ' ' || (u[0] >= '\t' && u[0] <= '\r');
    if (u[0] == 0xc2)
        return n >= 2 && (u[1] == 0x85 || u[1] == 0xa0) ? 2 : 0;
    if (n < 3)
        return 0;
    uint32_t cp = (uint32_t)(u[0] & 0x0f) << 12 | (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
    bool is_blank = (u[0] & 0xf0) == 0xe0 && (cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
                                              cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000 || cp == 0xfeff);
    return is_blank ? 3 : 0;
}

static size_t blank_before(const char *end, size_t n)
{
    for (size_t k = 1; k <= 3 && k <= n; k++)
        if (blank_at(end - k, k) == k)
            return k;
    return 0;
}

static struct slice trim(struct slice s)
{
    for (size_t k; (k = blank_at(s.p, s.n)) > 0;) {
        s.p += k;
        s.n -= k;
    }
    for (size_t k; (k = blank_before(s.p + s.n, s.n)) > 0;)
        s.n -= k;
    return s;
}

static struct slice lower(struct arena *arena, struct slice s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] < 'A' || s.p[i] > 'Z'))
        i++;
    if (i == s.n)
        return s;
    char *p = arena_alloc(arena, s.n);
    slice_lower(p, s);
    return slice_of(p, s.n);
}

/* Between a quarter of the bytes and all of them are code points: most texts need no counting. */
static bool check_length(struct check *c, const struct plan_node *node, struct slice s)
{
    int64_t n = (int64_t)s.n;

    if (n <= node->max && (n + 3) / 4 >= node->min)
        return true;
    n = (int64_t)utf8_length(s);
    if (n < node->min)
        check_fail_count(c, node, "too_short", "must be at least", node->min, "character");
    else if (n > node->max)
        check_fail_count(c, node, "too_long", "must be at most", node->max, "character");
    return n >= node->min && n <= node->max;
}

/* A text that is too long is not held against the pattern: that is the developer's way to bound what it costs. */
static void check_plain(struct check *c, const struct plan_node *node, struct json_node *v)
{
    if (node->string.trim)
        v->s = trim(v->s);
    if (node->string.lower)
        v->s = lower(c->arena, v->s);
    if (!check_length(c, node, v->s) || node->string.pattern == NULL)
        return;
    enum pattern_status rc = pattern_match(node->string.pattern, v->s, &c->patterns);
    if (rc != PATTERN_MATCHES)
        check_fail_limit(c, node, "pattern", "must match the pattern", node->shown, "does not have the right form");
    if (rc == PATTERN_RAN_OUT) /* the next text would take as long */
        c->stopped = true;
}

static void check_enum(struct check *c, const struct plan_node *node, struct json_node *v)
{
    if (plan_lookup_find(node->choice.lookup, v->s, 0) >= 0)
        return;
    if (node->choice.n == 1)
        check_fail_limit(c, node, "enum", "must be", node->shown, "must be the one value that is allowed");
    else
        check_fail_limit(c, node, "enum", "must be one of", node->shown, "must be one of the values that are allowed");
}

static void check_url(struct check *c, const struct plan_node *node, struct json_node *v)
{
    static const struct slice web[] = {{"https", 5}, {"http", 4}};
    bool any = node->url.n_schemes == 0;

    if (format_is_url(v->s, any ? web : node->url.schemes, any ? 2 : node->url.n_schemes))
        check_length(c, node, v->s);
    else if (any)
        check_fail(c, node, "url", "must be a URL such as https://example.com/page");
    else
        check_fail_limit(c, node, "url", "must be a URL with a host and one of the schemes", node->shown,
                         "must be a URL with a host and a scheme that is allowed");
}

static void check_decimal(struct check *c, const struct plan_node *node, struct json_node *v)
{
    const unsigned scale = node->decimal.scale;
    size_t whole, fraction;
    char message[128];

    if (!format_read_decimal(v->s, &whole, &fraction)) {
        check_fail(c, node, "decimal", "must be a decimal number in a string, such as \"12.50\"");
    } else if (node->decimal.precision > 0 && (fraction > scale || whole > node->decimal.precision - scale)) {
        snprintf(message, sizeof message, "must have at most %u digits before the point and %u behind it",
                 node->decimal.precision - scale, scale);
        check_fail(c, node, "decimal", message);
    }
}

static void check_file(struct check *c, const struct plan_node *node, struct json_node *v)
{
    if (c->source != PLAN_TEXT)
        check_fail(c, node, "type", "must be a file, sent in a form");
    else if ((int64_t)v->s.n > node->max)
        check_fail_count(c, node, "too_long", "must be at most", node->max, "byte");
    else if ((int64_t)v->s.n < node->min)
        check_fail_count(c, node, "too_short", "must be at least", node->min, "byte");
}

/* RFC 9562 section 4: read in either case, written in lower case, which is how Postgres answers. */
static void check_uuid(struct check *c, const struct plan_node *node, struct json_node *v)
{
    bool has_capitals;

    if (!format_is_uuid(v->s, &has_capitals))
        check_fail(c, node, "uuid", "must be a UUID");
    else if (has_capitals)
        v->s = lower(c->arena, v->s);
}

static void check_format(struct check *c, const struct plan_node *node, struct json_node *v)
{
    switch (node->kind) {
    case PLAN_STRING:
        check_plain(c, node, v);
        return;
    case PLAN_ENUM:
        check_enum(c, node, v);
        return;
    case PLAN_UUID:
        check_uuid(c, node, v);
        return;
    case PLAN_EMAIL:
        if (format_is_email(v->s))
            check_length(c, node, v->s);
        else
            check_fail(c, node, "email", "must be an email address");
        return;
    case PLAN_URL:
        check_url(c, node, v);
        return;
    case PLAN_DATE:
        if (!format_is_date(v->s))
            check_fail(c, node, "date", "must be a date such as 2026-02-28");
        return;
    case PLAN_DATETIME:
        if (!format_is_datetime(v->s))
            check_fail(c, node, "datetime", "must be a date and time with its offset, such as 2026-02-28T18:30:00Z");
        return;
    case PLAN_DECIMAL:
        check_decimal(c, node, v);
        return;
    default:
        check_file(c, node, v);
    }
}

void check_string(struct check *c, const struct plan_node *node, const struct json_node *v)
{
    struct json_node copy = *v;

    if (v->type != JSON_STRING) {
        if (c->source == PLAN_TEXT && v->type == JSON_ARRAY)
            check_fail(c, node, "type", "must be there only once");
        else if (node->kind == PLAN_DECIMAL)
            check_fail(c, node, "type", "must be a decimal number in a string, such as \"12.50\"");
        else
            check_fail(c, node, "type", "must be a string");
        return;
    }
    check_format(c, node, &copy);
    check_push_scalar(c, &copy);
}
