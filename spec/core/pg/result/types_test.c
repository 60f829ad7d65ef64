#include "core/pg/result/types.c"
#include "spec/core/test.h"
#include <stdlib.h>

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

/* RFC 3339's form, by a reader that takes one byte after the other; 0: it is none of them. */
static size_t naive_time(char *out, const char *text, size_t n, bool with_zone)
{
    size_t end = with_zone ? n - 3 : n, digits = end > 20 ? end - 20 : 0;

    if (n < (with_zone ? 22 : 19) || (with_zone && memcmp(text + end, "+00", 3) != 0) || digits > 6 || end == 20)
        return 0;
    for (size_t i = 0; i < end; i++) {
        char shape = i < 20 ? "dddd-dd-dd dd:dd:dd."[i] : 'd';
        if (shape == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape)
            return 0;
    }
    return (size_t)sprintf(out, "%.10sT%.8s.%.*s%.*s%s", text, text + 11, (int)digits, text + 20, (int)(6 - digits),
                           "000000", with_zone ? "Z" : "");
}

static void check_against_naive(const char *text, size_t n, bool with_zone)
{
    char want[64], got[64], *exact = malloc(n > 0 ? n : 1); /* the sanitizer sees who reads behind it */
    size_t length = naive_time(want, text, n, with_zone);

    memcpy(exact, text, n);
    if (length == 0)
        memcpy(want, text, length = n);
    size_t is = pg_write_timestamp(got, slice_of(exact, n), with_zone);
    free(exact);
    CHECK(is == length && memcmp(got, want, length) == 0);
}

TEST("a time of any number of digits, with any one byte changed, is what a reader of one byte after the other makes of it")
{
    const char whole[] = "2024-01-01 00:00:00.123456", others[] = "0:/9-+ .TZ\x10\xb0\xb9\xff";

    for (int with_zone = 0; with_zone < 2; with_zone++) {
        for (size_t end = 0; end < sizeof whole; end++) {
            char text[40];
            size_t n = (size_t)sprintf(text, "%.*s%s", (int)end, whole, with_zone ? "+00" : "");
            for (size_t at = 0; at < n; at++) {
                char was = text[at];
                for (size_t i = 0; i < sizeof others; i++) {
                    text[at] = others[i];
                    check_against_naive(text, n, with_zone);
                    check_against_naive(text, n, !with_zone);
                }
                text[at] = was;
            }
        }
    }
}
