#include "core/plan/format.c"
#include "spec/core/test.h"

static bool is_uuid(const char *s)
{
    bool has_capitals;
    return format_is_uuid(slice_str(s), &has_capitals);
}

static bool is_date(const char *s)
{
    return format_is_date(slice_str(s));
}

static bool is_datetime(const char *s)
{
    return format_is_datetime(slice_str(s));
}

TEST("a UUID is 32 hexadecimal digits with four hyphens at their places")
{
    CHECK(is_uuid("0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f20"));
    CHECK(is_uuid("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"));
    CHECK(is_uuid("00000000-0000-0000-0000-000000000000"));
    CHECK(!is_uuid(""));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f2"));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f200"));
    CHECK(!is_uuid("0191e4b27c1d7a3b9f008a7c5d3e1f20"));
    CHECK(!is_uuid("{191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f2}"));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f2g"));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f-0"));
    CHECK(!is_uuid("0191e4b-27c1d-7a3b-9f00-8a7c5d3e1f20"));
    CHECK(!is_uuid("0191e4b2-7c1-d7a3b-9f00-8a7c5d3e1f20"));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b9-f00-8a7c5d3e1f20"));
    CHECK(!is_uuid("0191e4b2-7c1d-7a3b-9f008-a7c5d3e1f20"));
}

TEST("any byte but a hexadecimal digit spoils a UUID at any place")
{
    char s[] = "0191e4b2-7c1d-7a3b-9f00-8a7c5d3e1f20";
    for (unsigned i = 0; i < 36; i++) {
        for (unsigned c = 0; c < 256; c++) {
            char was = s[i];
            bool hyphen = i == 8 || i == 13 || i == 18 || i == 23, capitals;
            s[i] = (char)c;
            bool good = hyphen ? c == '-' : c < 128 && c > 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
            CHECK(format_is_uuid(slice_of(s, 36), &capitals) == good);
            CHECK(!good || capitals == (c >= 'A' && c <= 'F'));
            s[i] = was;
        }
    }
}

TEST("a date is a day that the calendar has")
{
    CHECK(is_date("2026-11-20") && is_date("0001-01-01") && is_date("9999-12-31"));
    CHECK(is_date("2024-02-29") && is_date("2000-02-29"));
    CHECK(!is_date("2026-02-29") && !is_date("1900-02-29") && !is_date("2024-02-30"));
    CHECK(!is_date("2026-04-31") && !is_date("2026-00-10") && !is_date("2026-13-01") && !is_date("2026-01-00"));
    CHECK(is_date("2026-01-31") && !is_date("2026-01-32"));
    CHECK(!is_date("0000-01-01"));
    CHECK(!is_date("2026-11-2:") && !is_date("2026-11-2/") && !is_date("2026-11-:0") && !is_date("20:6-11-20"));
    CHECK(!is_date("") && !is_date("2026-1-1") && !is_date("20261120") && !is_date("2026/11/20") && !is_date("2026-11-2x"));
    CHECK(!is_date("2026-11-20T") && !is_date("-026-11-20") && !is_date("+026-11-20"));
}

TEST("a datetime needs its offset")
{
    CHECK(is_datetime("2026-11-20T18:36:00Z") && is_datetime("2026-11-20t18:36:00z"));
    CHECK(is_datetime("2026-11-20T18:36:00.5+01:00") && is_datetime("2026-11-20T18:36:00.123456789012345678-23:59"));
    CHECK(!is_datetime("2026-11-20T18:36:00") && !is_datetime("2026-11-20T18:36:00.5"));
    CHECK(!is_datetime("2026-11-20T18:36:00+0100") && !is_datetime("2026-11-20T18:36:00+01") &&
          !is_datetime("2026-11-20T18:36:00+24:00") && !is_datetime("2026-11-20T18:36:00+01:60") &&
          !is_datetime("2026-11-20T18:36:00+01:0x") && !is_datetime("2026-11-20T18:36:00 Z"));
}

TEST("a datetime is exactly written")
{
    CHECK(!is_datetime("2026-11-20 18:36:00Z") && !is_datetime("2026-11-20T18:36Z") && !is_datetime("2026-11-20T18:36:0Z"));
    CHECK(!is_datetime("2026-11-20T18-36:00Z") && !is_datetime("2026-11-20T18:36-00Z") &&
          !is_datetime("2026-11-20X18:36:00Z"));
    CHECK(!is_datetime("2026-11-20T18:36:00.Z") && !is_datetime("2026-11-20T18:36:00,5Z"));
    CHECK(!is_datetime("2026-11-20T18:36:00.1234567890123456789Z"));
    CHECK(!is_datetime("2026-02-30T18:36:00Z") && !is_datetime("2026-11-20T24:00:00Z") &&
          !is_datetime("2026-11-20T18:60:00Z"));
    CHECK(!is_datetime("2026-11-20T18:36:00ZZ") && !is_datetime("") && !is_datetime("2026-11-20T18:36:00+01:000"));
    CHECK(is_datetime("2026-11-20T00:00:00Z") && is_datetime("2026-11-20T23:59:59Z"));
}

TEST("a leap second is at 23:59:60 UTC and nowhere else")
{
    CHECK(is_datetime("1990-12-31T23:59:60Z") && is_datetime("1990-12-31T15:59:60-08:00"));
    CHECK(is_datetime("1991-01-01T00:59:60+01:00") && is_datetime("1991-01-01T23:29:60.5+23:30"));
    CHECK(!is_datetime("1990-12-31T23:58:60Z") && !is_datetime("1990-12-31T23:59:60+01:00"));
    CHECK(!is_datetime("1990-12-31T23:59:61Z"));
}

static bool decimal(const char *s, size_t whole, size_t fraction)
{
    size_t w = 99, f = 99;
    return format_read_decimal(slice_str(s), &w, &f) && w == whole && f == fraction;
}

static bool is_decimal(const char *s)
{
    size_t w, f;
    return format_read_decimal(slice_str(s), &w, &f);
}

TEST("a decimal tells its digits before and after the point")
{
    CHECK(decimal("0", 0, 0) && decimal("12.50", 2, 2) && decimal("-0.001", 0, 3) && decimal("-100", 3, 0));
    CHECK(decimal("12345678901234567890123.1", 23, 1));
    CHECK(!is_decimal("") && !is_decimal("-") && !is_decimal(".5") && !is_decimal("5.") && !is_decimal("+5"));
    CHECK(!is_decimal("01") && !is_decimal("-01.5") && !is_decimal("1e5") && !is_decimal("1,5") && !is_decimal(" 1"));
    CHECK(!is_decimal("1.5.2") && !is_decimal("NaN") && !is_decimal("Infinity") && !is_decimal("1 ") && !is_decimal("0x1"));
}
