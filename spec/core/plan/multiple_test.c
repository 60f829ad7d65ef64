#include "core/plan/multiple.c"
#include "spec/core/test.h"

TEST("multiples are those of the decimals, not of the doubles that stand for them")
{
    CHECK(multiple_of_double(0.3, 0.1) && multiple_of_double(4.35, 0.01) && multiple_of_double(0.0075, 0.0001));
    CHECK(multiple_of_double(19.99, 0.01) && multiple_of_double(-1.1, 0.1) && multiple_of_double(0.0, 0.7));
    CHECK(!multiple_of_double(0.35, 0.1) && !multiple_of_double(0.00751, 0.0001) && !multiple_of_double(1.05, 0.1));
    CHECK(multiple_of_double(4.5, 1.5) && !multiple_of_double(35, 1.5));
}

TEST("multiples far apart in size are told exactly")
{
    CHECK(multiple_of_double(1e308, 1e-308) && multiple_of_double(1e308, 5) && !multiple_of_double(1e308, 3));
    CHECK(!multiple_of_double(1e308, 0.123456789) && !multiple_of_double(1e-308, 1e308));
    CHECK(multiple_of_double(12391239123.0, 1e-8) && multiple_of_double(1.5e300, 3e-5) && !multiple_of_double(1e300, 7));
    CHECK(multiple_of_double(5e-324, 5e-324) && multiple_of_double(1e-323, 5e-324));
}

TEST("integers of 64 bits are held exactly")
{
    CHECK(multiple_of_int(INT64_MAX, 7) && !multiple_of_int(INT64_MAX - 1, 7)); /* 2^63 - 1 = 7 * 7 * 73 * ... */
    CHECK(multiple_of_int(INT64_MIN, 2) && multiple_of_int(INT64_MIN, 4294967296.0) && !multiple_of_int(INT64_MIN, 3));
    CHECK(multiple_of_int(9007199254740993, 1) && multiple_of_int(0, 5) && multiple_of_int(21, 0.7) &&
          !multiple_of_int(20, 0.7));
    CHECK(multiple_of_int(1000, 0.001) && multiple_of_int(-500, 250) && !multiple_of_int(-500, 251));
}
