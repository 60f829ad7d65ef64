#include "base/slice.h"
#include "spec/core/test.h"

TEST("slices are equal by bytes, and empty ones whatever they point at")
{
    CHECK(slice_eq(SLICE_LIT("abc"), slice_of("abcd", 3)));
    CHECK(!slice_eq(SLICE_LIT("abc"), SLICE_LIT("abd")));
    CHECK(!slice_eq(SLICE_LIT("abc"), SLICE_LIT("ab")));
    CHECK(slice_eq(slice_of(NULL, 0), SLICE_LIT("")));
    CHECK(slice_eq(SLICE_LIT("a\0b"), SLICE_LIT("a\0b")) && !slice_eq(SLICE_LIT("a\0b"), SLICE_LIT("a\0c")));
}

TEST("case is ignored for ASCII letters only")
{
    CHECK(slice_eq_nocase(SLICE_LIT("Content-Type"), SLICE_LIT("content-tYPE")));
    CHECK(!slice_eq_nocase(SLICE_LIT("a@"), SLICE_LIT("a`")));
}

TEST("no string is an empty slice")
{
    CHECK_INT(slice_str(NULL).n, 0);
    CHECK_INT(slice_str("four").n, 4);
}
