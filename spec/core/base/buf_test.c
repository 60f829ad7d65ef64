#include "core/base/buf.c"
#include "spec/core/test.h"

TEST("an empty append leaves the buffer unallocated")
{
    struct buf b = BUF_INIT;
    buf_append(&b, "", 0);
    buf_append(&b, NULL, 0);
    CHECK(b.p == NULL);
    buf_consume(&b, 0);
    buf_free(&b);
}

TEST("bytes stay in order while it grows")
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < 10000; i++)
        buf_char(&b, (char)('a' + i % 26));
    buf_lit(&b, "end");
    buf_str(&b, "!");
    CHECK_INT(b.n, 10004);
    for (int i = 0; i < 10000; i++)
        CHECK(b.p[i] == 'a' + i % 26);
    CHECK_STR(b.p + 10000, 4, "end!");
    buf_free(&b);
    CHECK(b.p == NULL && b.n == 0 && b.cap == 0);
}

TEST("a reservation keeps the length and gives the room")
{
    struct buf b = BUF_INIT;
    buf_lit(&b, "x");
    char *p = buf_reserve(&b, 5000);
    CHECK(p == b.p + 1 && b.n == 1 && b.cap - b.n >= 5000);
    CHECK(buf_reserve(&b, 5000) == p);
    buf_free(&b);
}

TEST("formatting longer than the room is written whole")
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%d-", 7);
    buf_printf(&b, "%01000d", 5);
    CHECK_INT(b.n, 1002);
    CHECK(b.p[0] == '7' && b.p[2] == '0' && b.p[1001] == '5');
    buf_free(&b);
}

TEST("consuming moves the rest to the front")
{
    struct buf b = BUF_INIT;
    buf_lit(&b, "abcdef");
    buf_consume(&b, 2);
    CHECK_STR(b.p, b.n, "cdef");
    buf_consume(&b, 4);
    CHECK_INT(b.n, 0);
    buf_free(&b);
}
