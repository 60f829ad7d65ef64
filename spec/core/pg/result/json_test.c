#include "core/pg/result/json.c"
#include "spec/core/test.h"

static void check(enum pg_type type, const char *text, const char *want)
{
    struct buf out = BUF_INIT;
    char copy[256];

    write_value(&out, type, PG_INT, slice_str(text));
    snprintf(copy, sizeof copy, "%.*s", (int)out.n, out.p);
    buf_free(&out);
    CHECK_STR(copy, strlen(copy), want);
}

TEST("each type has its JSON")
{
    check(PG_BOOL, "t", "true");
    check(PG_BOOL, "f", "false");
    check(PG_INT, "-9223372036854775808", "-9223372036854775808");
    check(PG_NUMERIC, "12345678901234567890.5", "\"12345678901234567890.5\"");
    check(PG_TEXT, "a\"b\n", "\"a\\\"b\\n\"");
    check(PG_UUID, "f47ac10b-58cc-4372-a567-0e02b2c3d479", "\"f47ac10b-58cc-4372-a567-0e02b2c3d479\"");
    check(PG_DATE, "2024-02-29", "\"2024-02-29\"");
    check(PG_TIMESTAMPTZ, "2024-02-29 01:02:03+00", "\"2024-02-29T01:02:03.000000Z\"");
    check(PG_JSON, "{\"a\": [1, 2]}", "{\"a\": [1, 2]}");
}

TEST("a float stays one, and what is no number is null")
{
    check(PG_FLOAT, "1", "1.0");
    check(PG_FLOAT, "-0", "-0.0");
    check(PG_FLOAT, "0.1", "0.1");
    check(PG_FLOAT, "1e+300", "1e+300");
    check(PG_FLOAT, "1e+15", "1000000000000000.0");
    check(PG_FLOAT, "-1.5e+06", "-1500000.0");
    check(PG_FLOAT, "1e-05", "1e-5");
    check(PG_FLOAT, "NaN", "null");
    check(PG_FLOAT, "Infinity", "null");
    check(PG_FLOAT, "-Infinity", "null");
}

TEST("bytes are base64 with padding")
{
    check(PG_BYTEA, "\\x", "\"\"");
    check(PG_BYTEA, "\\x66", "\"Zg==\"");
    check(PG_BYTEA, "\\x666f", "\"Zm8=\"");
    check(PG_BYTEA, "\\x666f6f", "\"Zm9v\"");
    check(PG_BYTEA, "\\x00FFfb", "\"AP/7\"");
    check(PG_BYTEA, "\\xzz", "\"\\\\xzz\"");
    check(PG_BYTEA, "plain", "\"plain\"");
}

TEST("arrays are arrays, in as many dimensions as they have")
{
    check(PG_ARRAY, "{}", "[]");
    check(PG_ARRAY, "{1,NULL,3}", "[1,null,3]");
    check(PG_ARRAY, "{{1,2},{3,4}}", "[[1,2],[3,4]]");
    check(PG_ARRAY, "no array", "\"no array\"");
}

static struct pg_result *two_columns(const char *first, const char *second)
{
    char name_a[16], name_b[16];
    PGresAttDesc attributes[2] = {{.name = name_a, .typid = 23, .typlen = 4}, {.name = name_b, .typid = 25, .typlen = -1}};
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    snprintf(name_a, sizeof name_a, "%s", first);
    snprintf(name_b, sizeof name_b, "%s", second);
    CHECK(PQsetResultAttrs(res, 2, attributes));
    CHECK(PQsetvalue(res, 0, 0, (char[]){"7"}, 1));
    CHECK(PQsetvalue(res, 0, 1, (char[]){"x"}, 1));
    CHECK(PQsetvalue(res, 1, 0, (char[]){"8"}, 1));
    CHECK(PQsetvalue(res, 1, 1, NULL, -1));
    return pg_result_new(res, NULL, 0);
}

TEST("a result is an array of objects")
{
    struct pg_result *r = two_columns("id", "na\"me");
    struct buf out = BUF_INIT;

    pg_result_write_rows(r, &out);
    CHECK_STR(out.p, out.n, "[{\"id\":7,\"na\\\"me\":\"x\"},{\"id\":8,\"na\\\"me\":null}]");
    buf_free(&out);
    pg_result_free(r);
}

TEST("of two columns with one name the last counts")
{
    struct pg_result *r = two_columns("a", "a");
    struct buf out = BUF_INIT;

    pg_result_write_rows(r, &out);
    CHECK_STR(out.p, out.n, "[{\"a\":\"x\"},{\"a\":null}]");
    buf_free(&out);
    pg_result_free(r);
}
