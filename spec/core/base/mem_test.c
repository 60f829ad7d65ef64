#include "core/base/mem.c"
#include "spec/core/test.h"

TEST("a duplicate ends in NUL and keeps NULs inside")
{
    char *p = mem_dup("a\0b", 3);
    CHECK(memcmp(p, "a\0b", 4) == 0);
    free(p);
    p = mem_dup(NULL, 0);
    CHECK(*p == '\0');
    free(p);
}

TEST("nothing is still an address")
{
    void *p = mem_zalloc(0);
    CHECK(p != NULL);
    p = mem_realloc(p, 0);
    CHECK(p != NULL);
    free(p);
}
