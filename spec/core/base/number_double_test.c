#include "core/base/number_double.c"
#include "spec/core/test.h"
#include <locale.h>

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static double of_bits(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static void check_text(double v, const char *want)
{
    char out[NUMBER_TEXT_MAX];
    CHECK_STR(out, number_write_double(out, v), want);
}

static void check_round_trip(double v)
{
    char out[NUMBER_TEXT_MAX + 1];
    size_t n = number_write_double(out, v);
    double back;
    CHECK(n <= NUMBER_TEXT_MAX);
    CHECK(number_read_double(slice_of(out, n), &back) == NUMBER_OK && bits_of(back) == bits_of(v));
    out[n] = '\0';
    CHECK(bits_of(strtod(out, NULL)) == bits_of(v)); /* an independent reader agrees */
}

TEST("whole numbers keep a point, so that they stay floats")
{
    check_text(0.0, "0.0");
    check_text(-0.0, "-0.0");
    check_text(1.0, "1.0");
    check_text(-120.0, "-120.0");
    check_text(9007199254740991.0, "9007199254740991.0");
    check_text(9007199254740992.0, "9007199254740992.0");
    check_text(9007199254740994.0, "9007199254740994.0");
    check_text(1e16, "1e+16");
    check_text(123456789012345680.0, "1.2345678901234568e+17");
}

TEST("decimals are the shortest that read back")
{
    check_text(0.1, "0.1");
    check_text(0.1 + 0.2, "0.30000000000000004");
    check_text(19.99, "19.99");
    check_text(-3.14159, "-3.14159");
    check_text(1.0 / 3.0, "0.3333333333333333");
    check_text(2.0 / 3.0, "0.6666666666666666");
    check_text(0.0001, "0.0001");
    check_text(0.00001, "1e-5");
    check_text(0.000123456, "0.000123456");
    check_text(1.7976931348623157e308, "1.7976931348623157e+308");
    check_text(1e300, "1e+300");
    check_text(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_text(5e-324, "5e-324");
    check_text(5.684341886080802e-14, "5.684341886080802e-14"); /* 2^-44; the nearest, ...801, is another double */
    check_text(1113178120592002.25, "1113178120592002.2");      /* half to even */
}

TEST("doubles of all sizes read back as themselves")
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double any = of_bits(x);
        if (isfinite(any))
            check_round_trip(any);
        check_round_trip((double)(x >> 11) / pow10_exact[x % 23]);
        check_round_trip((double)(x >> 40) / 100);
    }
    for (int e = -1074; e < 1024; e++) {
        double p = ldexp(1, e);
        check_round_trip(p);
        check_round_trip(of_bits(bits_of(p) - 1));
        check_round_trip(of_bits(bits_of(p) + 1));
    }
}

static void check_read(const char *text, double want)
{
    double v = 7;
    CHECK(number_read_double(slice_str(text), &v) == NUMBER_OK);
    CHECK(bits_of(v) == bits_of(want));
}

TEST("texts are read to the nearest double, however long they are")
{
    check_read("0", 0.0);
    check_read("-0", -0.0);
    check_read("-0.0e5", -0.0);
    check_read("1", 1.0);
    check_read("1e0", 1.0);
    check_read("12E+2", 1200.0);
    check_read("0.1", 0.1);
    check_read("123456789.123456789", 123456789.123456789);
    check_read("9007199254740993", 9007199254740992.0); /* half way: to even */
    check_read("9007199254740993.00000000000000000000000000000001", 9007199254740994.0);
    check_read("179769313486231580793728971405301e276", 1.7976931348623157e308);
    check_read("4.9e-324", 5e-324);
    check_read("2.4703282292062327e-324", 0.0);
    check_read("2.4703282292062328e-324", 5e-324);
    check_read("2.2250738585072011e-308", 2.2250738585072011e-308); /* the one that hung PHP and Java */
    check_read("1e-400", 0.0);
    check_read("0e999999999999", 0.0);
    check_read("100000000000000000000000000000000000e-35", 1.0);
    check_read("18446744073709551615", 18446744073709551615.0);
}

TEST("a thousand zeros on either side of the point change nothing")
{
    char text[2100] = "0.";
    memset(text + 2, '0', 1000);
    strcpy(text + 1002, "1e1001");
    check_read(text, 1.0);
    text[0] = '1';
    memset(text + 1, '0', 1000);
    strcpy(text + 1001, "e-1000");
    check_read(text, 1.0);
    memset(text, '0', 1000);
    strcpy(text + 1000, "12.5");
    check_read(text, 12.5);
}

/* 1 + 2^-53 is half way between two doubles; one more digit far behind decides. */
TEST("digits past the eight hundredth still decide a tie")
{
    char text[1200] = "1.00000000000000011102230246251565404236316680908203125";
    check_read(text, 1.0);
    size_t n = strlen(text);
    memset(text + n, '0', 900);
    strcpy(text + n + 900, "1");
    check_read(text, 1.0000000000000002);
}

TEST("random texts read as the C library reads them")
{
    uint64_t x = 2463534242u;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int n = sprintf(text, "%llu.%llue%d", (unsigned long long)(x >> (x % 60)), (unsigned long long)(x % 1000003),
                        (int)(x % 50) - 25);
        double v;
        CHECK(number_read_double(slice_of(text, (size_t)n), &v) == NUMBER_OK);
        CHECK(bits_of(v) == bits_of(strtod(text, NULL)));
    }
}

TEST("what is no number, or no finite one, is told apart")
{
    static const char *const bad[] = {"",   "-",  ".",    ".5",  "5.",  "+1",    "1e",    "1e+", "1.e5", "e5",
                                      "1 ", " 1", "0x10", "inf", "nan", "1.2.3", "1e5.0", "--1", "1,5"};
    double v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(number_read_double(slice_str(bad[i]), &v) == NUMBER_BAD);
    CHECK(number_read_double(SLICE_LIT("1e309"), &v) == NUMBER_RANGE);
    CHECK(number_read_double(SLICE_LIT("-1e99999999999999999999"), &v) == NUMBER_RANGE);
    CHECK(number_read_double(SLICE_LIT("1.7976931348623159e308"), &v) == NUMBER_RANGE);
    CHECK(v == 7);
}

TEST("a locale with a decimal comma changes nothing")
{
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL)
        return; /* this machine has none; the code never writes or reads a point through the C library */
    check_text(1.5e300, "1.5e+300");
    check_read("1.5e300", 1.5e300);
    setlocale(LC_NUMERIC, "C");
}
