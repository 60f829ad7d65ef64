#include "core/pg/types.c"
#include "spec/core/test.h"

static void check_time(const char *text, bool with_zone, const char *want)
{
    char out[64];
    size_t n = pg_write_timestamp(out, slice_str(text), with_zone);

    CHECK_STR(out, n, want);
}

TEST("a timestamp with time zone becomes RFC 3339 with six digits")
{
    check_time("2024-01-01 00:00:00+00", true, "2024-01-01T00:00:00.000000Z");
    check_time("2024-01-01 00:00:00.5+00", true, "2024-01-01T00:00:00.500000Z");
    check_time("2024-12-31 23:59:59.999999+00", true, "2024-12-31T23:59:59.999999Z");
    check_time("0001-01-01 00:00:00.01+00", true, "0001-01-01T00:00:00.010000Z");
    check_time("9999-12-31 23:59:59+00", true, "9999-12-31T23:59:59.000000Z");
}

TEST("a timestamp without time zone has no Z")
{
    check_time("2024-01-01 12:34:56", false, "2024-01-01T12:34:56.000000");
    check_time("2024-01-01 12:34:56.789", false, "2024-01-01T12:34:56.789000");
}

TEST("what has no RFC 3339 form stays as Postgres wrote it")
{
    const char *const others[] = {"infinity",
                                  "-infinity",
                                  "0044-03-15 00:00:00+00 BC",
                                  "10000-01-01 00:00:00+00",
                                  "2024-01-01 00:00:00+05:30",
                                  "2024-01-01 00:00:00.1234567+00",
                                  "2024-01-01 00:00:00.+00",
                                  "2024-01-01 00:00:00x5+00",
                                  "2024-01-01",
                                  "",
                                  "2024/01/01 00:00:00+00"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_time(others[i], true, others[i]);
    check_time("2024-01-01 00:00:00+00", false, "2024-01-01 00:00:00+00");
}

TEST("a text that is too long for a time is cut to its room")
{
    char long_text[100], out[64];

    memset(long_text, 'x', sizeof long_text);
    CHECK_INT(pg_write_timestamp(out, slice_of(long_text, sizeof long_text), true), 64);
}

TEST("types are known by their numbers, arrays by their elements, the rest is text")
{
    CHECK_INT(pg_type_of(16), PG_BOOL);
    CHECK_INT(pg_type_of(20), PG_INT);
    CHECK_INT(pg_type_of(701), PG_FLOAT);
    CHECK_INT(pg_type_of(1700), PG_NUMERIC);
    CHECK_INT(pg_type_of(3802), PG_JSON);
    CHECK_INT(pg_type_of(25), PG_TEXT);
    CHECK_INT(pg_type_of(1043), PG_TEXT);
    CHECK_INT(pg_type_of(99999), PG_TEXT);
    CHECK_INT(pg_type_of(1009), PG_ARRAY);
    CHECK_INT(pg_type_of_element(1009), PG_TEXT);
    CHECK_INT(pg_type_of(1007), PG_ARRAY);
    CHECK_INT(pg_type_of_element(1007), PG_INT);
    CHECK_INT(pg_type_of_element(23), PG_ARRAY);
}

TEST("a byte that is no digit where a digit belongs makes it no time")
{
    char text[] = "2024-01-01 00:00:00.5+00";
    const char no_digits[] = {'/', ':', 'a', '\x10', '\xb4', '\xff'};

    for (size_t at = 0; at < 19; at++) {
        char was = text[at];
        for (size_t i = 0; i < sizeof no_digits; i++) {
            if (no_digits[i] == was)
                continue;
            text[at] = no_digits[i];
            check_time(text, true, text);
        }
        text[at] = was;
    }
}
