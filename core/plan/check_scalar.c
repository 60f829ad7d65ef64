#include "base/number.h"
#include "plan/check_internal.h"
#include "plan/multiple.h"
#include <math.h>

void check_boolean(struct check *c, const struct plan_node *node, const struct json_node *v)
{
    if (v->type == JSON_TRUE || v->type == JSON_FALSE)
        check_push_scalar(c, v);
    else
        check_fail(c, node, "type", "must be true or false");
}

static void check_integer_bounds(struct check *c, const struct plan_node *node, int64_t i)
{
    if (node->min != INT64_MIN && (i < node->min || (i == node->min && node->integer.exclusive_min)))
        check_fail_int(c, node, "minimum", node->integer.exclusive_min ? "must be greater than" : "must be at least",
                       node->min);
    if (node->max != INT64_MAX && (i > node->max || (i == node->max && node->integer.exclusive_max)))
        check_fail_int(c, node, "maximum", node->integer.exclusive_max ? "must be less than" : "must be at most", node->max);
    if (node->integer.multiple_of > 0 && i % node->integer.multiple_of != 0)
        check_fail_int(c, node, "multiple_of", "must be a multiple of", node->integer.multiple_of);
}

/* JSON Schema counts 1.0 among the integers. Past 2^53 a double may stand for a number that was rounded: refused. */
static bool is_integral(double d)
{
    return fabs(d) < 9007199254740992.0 && d == floor(d);
}

void check_integer(struct check *c, const struct plan_node *node, const struct json_node *v)
{
    struct json_node whole = *v;

    if (v->type == JSON_DOUBLE && is_integral(v->d)) {
        whole.type = JSON_INT;
        whole.i = (int64_t)v->d;
    } else if (v->type != JSON_INT) {
        check_fail(c, node, "type", "must be an integer");
        return;
    }
    check_integer_bounds(c, node, whole.i);
    check_push_scalar(c, &whole);
}

/* An integer against a double, without rounding either: <0, 0, >0. The bound is not NaN. */
static int compare(const struct json_node *v, double bound)
{
    if (v->type == JSON_DOUBLE)
        return (v->d > bound) - (v->d < bound);
    if (bound >= 9223372036854775808.0)
        return -1;
    if (bound < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)bound; /* towards 0 */
    double rest = bound - (double)whole;
    if (v->i != whole)
        return v->i < whole ? -1 : 1;
    return (rest < 0) - (rest > 0);
}

static bool is_multiple(const struct json_node *v, double of)
{
    return v->type == JSON_INT ? multiple_of_int(v->i, of) : multiple_of_double(v->d, of);
}

void check_number(struct check *c, const struct plan_node *node, const struct json_node *v)
{
    if (v->type != JSON_INT && v->type != JSON_DOUBLE) {
        check_fail(c, node, "type", "must be a number");
        return;
    }
    const bool over = node->number.exclusive_min, under = node->number.exclusive_max;
    if (node->number.min != -INFINITY && compare(v, node->number.min) < (over ? 1 : 0))
        check_fail_double(c, node, "minimum", over ? "must be greater than" : "must be at least", node->number.min);
    if (node->number.max != INFINITY && compare(v, node->number.max) > (under ? -1 : 0))
        check_fail_double(c, node, "maximum", under ? "must be less than" : "must be at most", node->number.max);
    if (node->number.multiple_of > 0 && !is_multiple(v, node->number.multiple_of))
        check_fail_double(c, node, "multiple_of", "must be a multiple of", node->number.multiple_of);
    check_push_scalar(c, v);
}

static bool is_equal(const struct json_node *v, const struct json_node *literal)
{
    if (v->type == JSON_STRING && literal->type == JSON_STRING)
        return slice_eq(v->s, literal->s);
    if (v->type == JSON_INT && literal->type == JSON_INT)
        return v->i == literal->i;
    if (v->type == JSON_DOUBLE && (literal->type == JSON_INT || literal->type == JSON_DOUBLE))
        return compare(literal, v->d) == 0;
    if (v->type == JSON_INT && literal->type == JSON_DOUBLE)
        return compare(v, literal->d) == 0;
    return v->type == literal->type; /* true, false, null: a literal is no container */
}

void check_literal(struct check *c, const struct plan_node *node, const struct json_node *v)
{
    const struct json_node *literal = &node->literal.nodes[0];
    if (is_equal(v, literal))
        check_push_scalar(c, literal);
    else
        check_fail_limit(c, node, "literal", "must be", node->shown, "must be the one value that is allowed");
}
