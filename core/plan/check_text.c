/* Params, query, headers, cookies and forms: everything arrives as text. */
#include "base/number.h"
#include "base/utf8.h"
#include "plan/check_internal.h"

static void read_integer(struct slice s, struct json_node *read)
{
    int64_t i;
    if (number_read_i64(s, &i) == NUMBER_OK) {
        read->type = JSON_INT;
        read->i = i;
    }
}

static void read_number(struct slice s, struct json_node *read)
{
    double d;

    read_integer(s, read);
    if (read->type == JSON_STRING && number_read_double(s, &d) == NUMBER_OK) {
        read->type = JSON_DOUBLE;
        read->d = d;
    }
}

static void read_boolean(struct slice s, struct json_node *read)
{
    if (slice_eq(s, SLICE_LIT("true")) || slice_eq(s, SLICE_LIT("1")))
        read->type = JSON_TRUE;
    else if (slice_eq(s, SLICE_LIT("false")) || slice_eq(s, SLICE_LIT("0")))
        read->type = JSON_FALSE;
}

static void read_literal(const struct json_node *literal, struct slice s, struct json_node *read)
{
    if (literal->type == JSON_TRUE || literal->type == JSON_FALSE)
        read_boolean(s, read);
    else if (literal->type == JSON_INT || literal->type == JSON_DOUBLE)
        read_number(s, read);
}

bool check_text_read(struct check *c, const struct plan_node *node, const struct json_node *v, struct json_node *read)
{
    struct slice s = v->s;

    *read = *v;
    if (node->kind == PLAN_INTEGER) {
        read_integer(s, read);
    } else if (node->kind == PLAN_NUMBER) {
        read_number(s, read);
    } else if (node->kind == PLAN_BOOLEAN) {
        read_boolean(s, read);
    } else if (node->kind == PLAN_LITERAL) {
        read_literal(&node->literal.nodes[0], s, read);
    } else if (node->kind != PLAN_FILE && node->kind != PLAN_ARRAY) { /* the one is bytes, the other's items come by later */
        bool is_text = s.n == 0 || (memchr(s.p, '\0', s.n) == NULL && utf8_is_valid(s));
        if (!is_text)
            check_fail(c, node, "type", "must be text in UTF-8 without NUL");
        return is_text;
    }
    return true;
}

/* An empty input of an HTML form is sent as "name=". */
bool check_text_is_absent(const struct plan_field *field, const struct json_node *v)
{
    const struct plan_node *node = field->node;

    if (v->type != JSON_STRING || v->s.n > 0 || !(node->optional || node->has_default))
        return false;
    if (node->kind == PLAN_ENUM)
        return plan_lookup_find(node->choice.lookup, v->s, 0) < 0;
    return node->kind != PLAN_STRING && node->kind != PLAN_ANY;
}
