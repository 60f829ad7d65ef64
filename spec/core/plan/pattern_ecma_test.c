#include "core/plan/pattern_ecma.c"
#include "spec/core/test.h"

static void check_writes(const char *pattern, const char *want)
{
    struct buf out = BUF_INIT;
    pattern_ecma_write(&out, slice_str(pattern));
    CHECK_STR(out.p, out.n, want);
    buf_free(&out);
}

TEST("what means the same stays the same")
{
    check_writes("", "");
    check_writes("^[a-z]+(\\.[a-z]+)*$", "^[a-z]+(\\.[a-z]+)*$");
    check_writes("\\p{L}\\p{Lu}\\P{Greek}", "\\p{L}\\p{Lu}\\P{Greek}");
    check_writes("a\\", "a\\");
    check_writes("\\p", "\\p");
    check_writes("\\p{", "\\p{");
    check_writes("\\\\s\\\\p{Letter}", "\\\\s\\\\p{Letter}");
}

TEST("blanks are Unicode's, inside a class and outside")
{
    check_writes("\\s", "[\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}]");
    check_writes("\\S+", "[^\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}]+");
    check_writes("[^\\s,]", "[^\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs},]");
    check_writes("[\\S]\\S", "[\\S][^\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}]");
    check_writes("[[]\\S", "[[][^\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}]");
    check_writes("[\\]\\s]", "[\\]\\s\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}]");
}

TEST("long names of categories become short ones")
{
    check_writes("\\p{Letter}[\\P{Decimal_Number}]", "\\p{L}[\\P{Nd}]");
    check_writes("\\p{General_Category=Uppercase_Letter}\\p{gc=Lu}", "\\p{Lu}\\p{Lu}");
    check_writes("\\p{Script=Greek}\\p{sc=Han}", "\\p{Greek}\\p{Han}");
    check_writes("\\p{Letters}", "\\p{Letters}");
}
