#include "core/plan/json_write.c"
#include "spec/core/test.h"

TEST("writers append one value each")
{
    struct buf b = BUF_INIT;
    json_write_string(&b, SLICE_LIT("a\"\n\xff"));
    json_write_int(&b, INT64_MIN);
    CHECK(json_write_double(&b, 0.5) == 0);
    CHECK_STR(b.p, b.n, "\"a\\\"\\n\xef\xbf\xbd\"-92233720368547758080.5");
    buf_free(&b);
}

TEST("what is not finite is not written")
{
    struct buf b = BUF_INIT;
    CHECK(json_write_double(&b, INFINITY) == -1 && json_write_double(&b, -INFINITY) == -1);
    CHECK(json_write_double(&b, NAN) == -1);
    CHECK_INT(b.n, 0);
    buf_free(&b);
}
