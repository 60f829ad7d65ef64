#include "core/base/number.c"
#include "spec/core/test.h"

static void check_i64(int64_t v, const char *want)
{
    char out[NUMBER_TEXT_MAX];
    CHECK_STR(out, number_write_i64(out, v), want);
    int64_t back;
    CHECK(number_read_i64(slice_str(want), &back) == NUMBER_OK && back == v);
}

TEST("integers of every length are written and read back")
{
    check_i64(0, "0");
    check_i64(INT64_MAX, "9223372036854775807");
    check_i64(INT64_MIN, "-9223372036854775808");
    char out[NUMBER_TEXT_MAX], want[NUMBER_TEXT_MAX];
    CHECK_STR(out, number_write_u64(out, UINT64_MAX), "18446744073709551615");
    for (uint64_t p = 1; p < UINT64_MAX / 10; p *= 10) {
        for (uint64_t v = p - 1; v <= p + 1; v++) {
            sprintf(want, "%llu", (unsigned long long)v);
            CHECK_STR(out, number_write_u64(out, v), want);
        }
    }
}

TEST("what is no integer, or does not fit, is told apart")
{
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "--1", "99999999999999999999x"};
    static const char *const big[] = {"9223372036854775808", "-9223372036854775809", "99999999999999999999",
                                      "18446744073709551616"};
    int64_t v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(number_read_i64(slice_str(bad[i]), &v) == NUMBER_BAD);
    for (size_t i = 0; i < sizeof big / sizeof *big; i++)
        CHECK(number_read_i64(slice_str(big[i]), &v) == NUMBER_RANGE);
    CHECK_INT(v, 7);
    CHECK(number_read_i64(SLICE_LIT("-007"), &v) == NUMBER_OK && v == -7);
}
