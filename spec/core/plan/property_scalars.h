#ifndef SPEC_PROPERTY_SCALARS_H
#define SPEC_PROPERTY_SCALARS_H
/* Scalars for property_test.c: for each kind a node, a right value, and a wrong one. */
#include "spec/core/plan/property_random.h"

struct wrong {
    const char *suffix; /* where inside the value */
    const char *code;
};

struct kind {
    enum plan_kind kind;
    enum plan_source source;
    struct plan_node *(*make)(struct plan *p);
    void (*right)(struct buf *out);
    struct wrong (*wrong)(struct buf *out);
};

static struct wrong wrong_text(struct buf *out, const char *code, const char *json)
{
    buf_str(out, json);
    return (struct wrong){"", code};
}

static struct plan_node *make_any(struct plan *p)
{
    return plan_node_new(p, PLAN_ANY);
}

static void right_any(struct buf *out)
{
    put_json(out, 3);
}

static struct plan_node *make_boolean(struct plan *p)
{
    return plan_node_new(p, PLAN_BOOLEAN);
}

static void right_boolean(struct buf *out)
{
    buf_str(out, ONE_OF("true", "false"));
}

static struct wrong wrong_boolean(struct buf *out)
{
    return wrong_text(out, "type", ONE_OF("0", "1", "\"true\"", "\"\"", "[]", "{}", "[true]"));
}

static struct plan_node *make_integer(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_INTEGER);
    node->min = -INT64_MAX / 2;
    return node;
}

static void right_integer(struct buf *out)
{
    int64_t v = (int64_t)(any64() >> below(64)); /* all sizes */
    buf_printf(out, "%" PRId64, v >= -INT64_MAX / 2 ? v : -(v + 1));
}

static struct wrong wrong_integer(struct buf *out)
{
    if (below(2)) {
        buf_printf(out, "%" PRId64, -INT64_MAX / 2 - 1 - (int64_t)(any64() >> 2));
        return (struct wrong){"", "minimum"};
    }
    return wrong_text(out, "type", ONE_OF("0.5", "1e300", "\"1\"", "true", "[]", "{}", "9007199254740993.0"));
}

static struct plan_node *make_number(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_NUMBER);
    node->number.min = -1e300;
    node->number.exclusive_min = true;
    return node;
}

static void right_number(struct buf *out)
{
    union {
        uint64_t bits;
        double d;
    } any = {.bits = any64()};
    if (any.d > -1e300 && any.d < 1.7e308)
        buf_printf(out, "%.17g", any.d);
    else
        buf_printf(out, "%" PRId64, (int64_t)any64());
}

static struct wrong wrong_number(struct buf *out)
{
    if (below(2))
        return wrong_text(out, "minimum", ONE_OF("-1e300", "-1.5e300", "-1e301"));
    return wrong_text(out, "type", ONE_OF("\"1\"", "\"NaN\"", "true", "[]", "{}", "[1]"));
}

static struct plan_node *make_decimal(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_DECIMAL);
    node->decimal.precision = 12;
    node->decimal.scale = 3;
    return node;
}

static void right_decimal(struct buf *out)
{
    buf_printf(out, "\"%s%u", ONE_OF("", "-"), below(1000000000));
    if (below(2))
        buf_printf(out, ".%0*u", 1 + (int)below(3), below(10));
    buf_char(out, '"');
}

static struct wrong wrong_decimal(struct buf *out)
{
    if (below(4) == 0)
        return wrong_text(out, "type", ONE_OF("12.5", "7", "true", "[]"));
    return wrong_text(out, "decimal",
                      ONE_OF("\"1000000000\"", "\"0.0001\"", "\"1e5\"", "\"01\"", "\".5\"", "\"5.\"", "\"\"", "\"-\"",
                             "\"1,5\"", "\" 1\"", "\"NaN\""));
}

static struct plan_node *make_string(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_STRING);
    node->min = 2;
    node->max = 20;
    return node;
}

static void right_string(struct buf *out)
{
    put_string(out, 2 + below(19));
}

static struct wrong wrong_string(struct buf *out)
{
    unsigned which = below(3);
    if (which == 0)
        return wrong_text(out, "type", ONE_OF("1", "true", "[]", "[\"abc\"]", "{}"));
    put_string(out, which == 1 ? below(2) : 21 + below(50));
    return (struct wrong){"", which == 1 ? "too_short" : "too_long"};
}

static struct plan_node *make_pattern(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_STRING);
    node->string.pattern_text = SLICE_LIT("^[a-z]+(-[a-z]+)*$");
    node->string.trim = true;
    return node;
}

static void right_pattern(struct buf *out)
{
    buf_str(out, ONE_OF("\"", "\" ", "\"\\n\\t"));
    put_word(out, 8);
    for (unsigned n = below(3); n > 0; n--) {
        buf_char(out, '-');
        put_word(out, 8);
    }
    buf_str(out, ONE_OF("\"", " \"", "\xe3\x80\x80\""));
}

static struct wrong wrong_pattern(struct buf *out)
{
    buf_char(out, '"');
    put_word(out, 8);
    buf_str(out, ONE_OF("-", "--a", "1", "A", " b", "\xc3\xa9", "\\u0001", "_"));
    buf_char(out, '"');
    return (struct wrong){"", "pattern"};
}

static struct plan_node *make_uuid(struct plan *p)
{
    return plan_node_new(p, PLAN_UUID);
}

static void put_uuid(struct buf *out, unsigned last)
{
    static const unsigned groups[] = {8, 4, 4, 4};
    buf_char(out, '"');
    for (unsigned i = 0; i < 4; i++) {
        put_hex(out, groups[i]);
        buf_char(out, '-');
    }
    put_hex(out, last);
    buf_char(out, '"');
}

static void right_uuid(struct buf *out)
{
    put_uuid(out, 12);
}

static struct wrong wrong_uuid(struct buf *out)
{
    put_uuid(out, below(2) ? 12 : 11 + 2 * below(2));
    out->p[out->n - 2 - below(10)] = "gGz -_./:@`"[below(11)];
    return (struct wrong){"", "uuid"};
}

static struct plan_node *make_email(struct plan *p)
{
    return plan_node_new(p, PLAN_EMAIL);
}

static void right_email(struct buf *out)
{
    buf_char(out, '"');
    put_word(out, 10);
    buf_str(out, ONE_OF("", ".", "+x", "!#$%&'*+/=?^_`{|}~-"));
    buf_char(out, '@');
    put_word(out, 20);
    for (unsigned n = below(3); n > 0; n--) {
        buf_str(out, ONE_OF(".", ".x-", ".0"));
        put_word(out, 5);
    }
    buf_char(out, '"');
}

static struct wrong wrong_email(struct buf *out)
{
    buf_char(out, '"');
    put_word(out, 10);
    buf_str(out, ONE_OF("", "@", "@.", "@-", "@a..", "@a@", " @", "@a b.", "\xc3\xa9@", "@a_", "@[1", "\\u0001@a"));
    put_word(out, 1);
    buf_str(out, ONE_OF("-", ".", "_", "@", " ", "\xc3\xa9", "\\u0001"));
    buf_char(out, '"');
    return (struct wrong){"", "email"};
}

static struct plan_node *make_url(struct plan *p)
{
    return plan_node_new(p, PLAN_URL);
}

static void right_url(struct buf *out)
{
    buf_str(out, ONE_OF("\"http://", "\"https://", "\"HTTPS://", "\"http://ann:s%3Acret@"));
    if (below(4) == 0) {
        buf_str(out, ONE_OF("127.0.0.1", "[::1]", "[2001:db8::7]", "255.255.255.255", "localhost"));
    } else {
        put_word(out, 20);
        buf_str(out, ONE_OF("", ".example", ".x-y.example."));
    }
    if (below(3) == 0)
        buf_printf(out, ":%u", below(65536));
    buf_str(out, ONE_OF("", "/", "/a/b%20c/", "/~x;y=z", "?q", "/?a=b&c=%C3%A9", "#top", "/x?y#z"));
    buf_char(out, '"');
}

static struct wrong wrong_url(struct buf *out)
{
    buf_str(out, ONE_OF("\"http://", "\"https://"));
    buf_str(out, ONE_OF("", "-", ".", "a..", "a b", "256.1.1.1/", "127.1/", "[::1", "[::g]/", "a:65536/", "a:b/", "a/%zz",
                        "a/ ", "a/<", "a/\\\"", "\xc3\xa9", "a@b@", "a\\\\b"));
    buf_str(out, ONE_OF("", "", "/%"));
    buf_char(out, '"');
    return (struct wrong){"", "url"};
}

static struct plan_node *make_date(struct plan *p)
{
    return plan_node_new(p, PLAN_DATE);
}

static void right_date(struct buf *out)
{
    buf_char(out, '"');
    put_date(out);
    buf_char(out, '"');
}

static struct wrong wrong_date(struct buf *out)
{
    buf_printf(out, "\"%04u", 1 + below(9999));
    buf_str(out, ONE_OF("-00-10", "-13-10", "-02-30", "-04-31", "-11-32", "-01-00", "-1-1", "0101", "-01-0x", "-01-01T",
                        "/01/01", "-01"));
    buf_char(out, '"');
    return (struct wrong){"", "date"};
}

static struct plan_node *make_datetime(struct plan *p)
{
    return plan_node_new(p, PLAN_DATETIME);
}

static void put_time(struct buf *out)
{
    put_date(out);
    buf_printf(out, "T%02u:%02u:%02u", below(24), below(60), below(60));
}

static void right_datetime(struct buf *out)
{
    buf_char(out, '"');
    put_time(out);
    if (below(2))
        buf_printf(out, ".%0*u", 1 + (int)below(9), below(10));
    if (below(2))
        buf_printf(out, "%s%02u:%02u", ONE_OF("+", "-"), below(24), below(60));
    else
        buf_char(out, 'Z');
    buf_char(out, '"');
}

static struct wrong wrong_datetime(struct buf *out)
{
    buf_char(out, '"');
    put_time(out);
    buf_str(out, ONE_OF("", ".", ".Z", ".5", "+01", "+0100", "+24:00", "+01:60", " Z", "ZZ", ".1234567890123456789Z", ",5Z",
                        "+1:00", "UTC"));
    buf_char(out, '"');
    return (struct wrong){"", "datetime"};
}

static struct plan_node *make_enum(struct plan *p)
{
    return fixture_enum(p, 5, "low", "middle", "high", "\xc3\xa9", "");
}

static void right_enum(struct buf *out)
{
    buf_str(out, ONE_OF("\"low\"", "\"middle\"", "\"high\"", "\"\\u00e9\"", "\"\""));
}

static struct wrong wrong_enum(struct buf *out)
{
    if (below(4) == 0)
        return wrong_text(out, "type", ONE_OF("0", "true", "[\"low\"]", "{}"));
    put_string(out, 7 + below(5));
    return (struct wrong){"", "enum"};
}

static struct plan_node *make_literal(struct plan *p)
{
    return fixture_literal(p, ONE_OF("1", "1.0"));
}

static void right_literal(struct buf *out)
{
    buf_str(out, ONE_OF("1", "1.0", "1e0", "10e-1"));
}

static struct wrong wrong_literal(struct buf *out)
{
    return wrong_text(out, "literal", ONE_OF("0", "-1", "1.5", "true", "\"1\"", "[1]", "{}", "1000000000000000001"));
}

static struct plan_node *make_file(struct plan *p)
{
    struct plan_node *node = plan_node_new(p, PLAN_FILE);
    node->max = 40;
    return node;
}

static void right_file(struct buf *out)
{
    put_string(out, below(10));
}

static struct wrong wrong_file(struct buf *out)
{
    put_string(out, 41 + below(50));
    return (struct wrong){"", "too_long"};
}
#endif
