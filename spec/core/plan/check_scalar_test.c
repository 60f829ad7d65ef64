#include "core/plan/check_scalar.c"
#include "spec/core/plan/plan_fixture.h"

static struct plan *scalar(enum plan_kind kind)
{
    struct plan *p = plan_new();
    p->root = plan_node_new(p, kind);
    return p;
}

TEST("a boolean is true or false")
{
    struct plan *p = scalar(PLAN_BOOLEAN);
    fixture_finish(p, p->root);
    TAKES(p, "true", "true");
    TAKES(p, "false", "false");
    REFUSES(p, "1", "body type must be true or false\n");
    REFUSES(p, "\"true\"", "body type must be true or false\n");
    REFUSES(p, "null", "body null_not_allowed must not be null\n");
    plan_free(p);
}

TEST("an integer is exact to 64 bits")
{
    struct plan *p = scalar(PLAN_INTEGER);
    fixture_finish(p, p->root);
    TAKES(p, "9223372036854775807", "9223372036854775807");
    TAKES(p, "-9223372036854775808", "-9223372036854775808");
    TAKES(p, "9007199254740993", "9007199254740993");
    TAKES(p, "-0", "0");
    REFUSES(p, "\"5\"", "body type must be an integer\n");
    REFUSES(p, "true", "body type must be an integer\n");
    REFUSES(p, "[]", "body type must be an integer\n");
    plan_free(p);
}

TEST("an integer may be written with a point or an exponent where that is exact")
{
    struct plan *p = scalar(PLAN_INTEGER);
    fixture_finish(p, p->root);
    TAKES(p, "1.0", "1");
    TAKES(p, "-2e3", "-2000");
    TAKES(p, "-0.0", "0");
    TAKES(p, "9007199254740991.0", "9007199254740991");
    TAKES(p, "-9007199254740991.0", "-9007199254740991");
    REFUSES(p, "9007199254740992.0", "body type must be an integer\n");
    REFUSES(p, "1.5", "body type must be an integer\n");
    REFUSES(p, "1e300", "body type must be an integer\n");
    plan_free(p);
}

TEST("an integer keeps within its bounds")
{
    struct plan *p = scalar(PLAN_INTEGER);
    p->root->min = -3;
    p->root->max = 9;
    p->root->integer.multiple_of = 3;
    fixture_finish(p, p->root);
    TAKES(p, "-3", "-3");
    TAKES(p, "9.0", "9");
    TAKES(p, "0", "0");
    REFUSES(p, "-6", "body minimum must be at least -3 | -3\n");
    REFUSES(p, "12", "body maximum must be at most 9 | 9\n");
    REFUSES(p, "4", "body multiple_of must be a multiple of 3 | 3\n");
    REFUSES(p, "-4", "body minimum must be at least -3 | -3\nbody multiple_of must be a multiple of 3 | 3\n");
    p->root->integer.exclusive_min = p->root->integer.exclusive_max = true;
    fixture_finish(p, p->root);
    TAKES(p, "6", "6");
    REFUSES(p, "-3", "body minimum must be greater than -3 | -3\n");
    REFUSES(p, "9", "body maximum must be less than 9 | 9\n");
    plan_free(p);
}

TEST("a number keeps what was sent, an integer as an integer")
{
    struct plan *p = scalar(PLAN_NUMBER);
    fixture_finish(p, p->root);
    TAKES(p, "0.1", "0.1");
    TAKES(p, "5", "5");
    TAKES(p, "9223372036854775807", "9223372036854775807");
    TAKES(p, "1e308", "1e+308");
    REFUSES(p, "\"0.1\"", "body type must be a number\n");
    REFUSES(p, "null", "body null_not_allowed must not be null\n");
    plan_free(p);
}

TEST("a number keeps within its bounds")
{
    struct plan *p = scalar(PLAN_NUMBER);
    p->root->number.min = -0.5;
    p->root->number.max = 10;
    fixture_finish(p, p->root);
    TAKES(p, "-0.5", "-0.5");
    TAKES(p, "10", "10");
    TAKES(p, "10.0", "10.0");
    REFUSES(p, "-0.6", "body minimum must be at least -0.5 | -0.5\n");
    REFUSES(p, "-1", "body minimum must be at least -0.5 | -0.5\n");
    REFUSES(p, "10.1", "body maximum must be at most 10 | 10\n");
    REFUSES(p, "11", "body maximum must be at most 10 | 10\n");
    p->root->number.exclusive_min = p->root->number.exclusive_max = true;
    fixture_finish(p, p->root);
    TAKES(p, "9.99", "9.99");
    TAKES(p, "0", "0");
    REFUSES(p, "-0.5", "body minimum must be greater than -0.5 | -0.5\n");
    REFUSES(p, "10", "body maximum must be less than 10 | 10\n");
    REFUSES(p, "10.0", "body maximum must be less than 10 | 10\n");
    plan_free(p);
}

TEST("an integer is compared with a bound that is a double without rounding")
{
    struct plan *p = scalar(PLAN_NUMBER);
    p->root->number.max = 9007199254740992.0;
    fixture_finish(p, p->root);
    TAKES(p, "9007199254740992", "9007199254740992");
    REFUSES(p, "9007199254740993", "body maximum must be at most 9007199254740992 | 9007199254740992\n");
    p->root->number.max = 1e300;
    p->root->number.min = 9223372036854775808.0;
    fixture_finish(p, p->root);
    REFUSES(p, "9223372036854775807", "body minimum must be at least 9.223372036854776e+18 | 9.223372036854776e+18\n");
    TAKES(p, "9223372036854775808.0", "9.223372036854776e+18");
    p->root->number.min = -INFINITY;
    p->root->number.max = -1e300;
    fixture_finish(p, p->root);
    REFUSES(p, "-9223372036854775808", "body maximum must be at most -1e+300 | -1e+300\n");
    plan_free(p);
}

TEST("a number is a multiple in decimals")
{
    struct plan *p = scalar(PLAN_NUMBER);
    p->root->number.multiple_of = 0.01;
    fixture_finish(p, p->root);
    TAKES(p, "19.99", "19.99");
    TAKES(p, "20", "20");
    REFUSES(p, "19.999", "body multiple_of must be a multiple of 0.01 | 0.01\n");
    plan_free(p);
}

static void check_literal_of(const char *literal, const char *good, const char *bad, const char *why)
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_literal(p, literal));
    TAKES(p, good, literal);
    REFUSES(p, bad, why);
    plan_free(p);
}

TEST("a literal is one value")
{
    check_literal_of("\"cat\"", "\"cat\"", "\"dog\"", "body literal must be \"cat\" | \"cat\"\n");
    check_literal_of("\"cat\"", "\"cat\"", "[\"cat\"]", "body literal must be \"cat\" | \"cat\"\n");
    check_literal_of("\"1\"", "\"1\"", "1", "body literal must be \"1\" | \"1\"\n");
    check_literal_of("\"1\"", "\"1\"", "1.0", "body literal must be \"1\" | \"1\"\n");
    check_literal_of("1", "1", "\"\"", "body literal must be 1 | 1\n");
    check_literal_of("0", "0", "\"\"", "body literal must be 0 | 0\n");
    check_literal_of("1", "1.0", "2", "body literal must be 1 | 1\n");
    check_literal_of("1", "1", "true", "body literal must be 1 | 1\n");
    check_literal_of("1", "1", "1.5", "body literal must be 1 | 1\n");
    check_literal_of("1.0", "1", "\"1\"", "body literal must be 1.0 | 1.0\n");
    check_literal_of("0.5", "0.5", "0", "body literal must be 0.5 | 0.5\n");
    check_literal_of("true", "true", "false", "body literal must be true | true\n");
    check_literal_of("false", "false", "0", "body literal must be false | false\n");
    check_literal_of("false", "false", "null", "body null_not_allowed must not be null\n");
    check_literal_of("null", "null", "false", "body literal must be null | null\n");
    check_literal_of("9007199254740993", "9007199254740993", "9007199254740992.0",
                     "body literal must be 9007199254740993 | 9007199254740993\n");
}

TEST("a nullable value may be null and nothing else that it could not be")
{
    struct plan *p = scalar(PLAN_INTEGER);
    p->root->nullable = true;
    p->root->min = 1;
    fixture_finish(p, p->root);
    TAKES(p, "null", "null");
    TAKES(p, "1", "1");
    REFUSES(p, "0", "body minimum must be at least 1 | 1\n");
    REFUSES(p, "false", "body type must be an integer\n");
    plan_free(p);
}
