#include "core/base/arena.c"
#include "spec/core/test.h"

static char order[16];

static void note(void *arg)
{
    strncat(order, arg, sizeof order - strlen(order) - 1);
}

static struct arena *growing;

static void note_and_defer(void *arg)
{
    note(arg);
    arena_alloc(growing, 100000);
    arena_defer(growing, note, "z");
}

TEST("every piece is aligned for any type and none overlap")
{
    struct arena a = {0};
    for (int round = 0; round < 3; round++) {
        char *last = NULL;
        for (size_t n = 0; n < 3000; n += 7) {
            char *p = arena_alloc(&a, n);
            CHECK_INT((uintptr_t)p % _Alignof(max_align_t), 0);
            memset(p, 0x5a, n);
            last = p;
        }
        CHECK(last != NULL);
        arena_reset(&a);
    }
    arena_free(&a);
}

TEST("a large piece does not waste the block in use")
{
    struct arena a = {0};
    char *first = arena_alloc(&a, 16);
    char *large = arena_alloc(&a, 1 << 20);
    memset(large, 1, 1 << 20);
    CHECK(arena_alloc(&a, 16) == (void *)(first + 16));
    arena_free(&a);
    CHECK(a.blocks == NULL);
}

TEST("a reset keeps one small block and gives its memory again")
{
    struct arena a = {0};
    void *first = arena_alloc(&a, 64);
    for (int i = 0; i < 1000; i++)
        arena_alloc(&a, 500);
    arena_reset(&a);
    CHECK(a.blocks != NULL && a.blocks->next == NULL);
    CHECK(arena_alloc(&a, 64) == first);
    arena_free(&a);
}

TEST("a first piece that is large is not kept over a reset")
{
    struct arena a = {0};
    arena_alloc(&a, 1 << 20);
    arena_reset(&a);
    CHECK(a.blocks == NULL);
}

TEST("defers run newest first, once")
{
    struct arena a = {0};
    order[0] = '\0';
    arena_defer(&a, note, "a");
    arena_defer(&a, note, "b");
    arena_reset(&a);
    arena_reset(&a);
    CHECK_STR(order, strlen(order), "ba");
    arena_defer(&a, note, "c");
    arena_free(&a);
    CHECK_STR(order, strlen(order), "bac");
}

TEST("a deferred call may allocate and defer")
{
    struct arena a = {0};
    order[0] = '\0';
    growing = &a;
    arena_defer(&a, note, "x");
    arena_defer(&a, note_and_defer, "y");
    arena_reset(&a);
    CHECK_STR(order, strlen(order), "yzx");
    arena_free(&a);
}

TEST("a copy ends in NUL")
{
    struct arena a = {0};
    char *p = arena_dup(&a, "abcd", 2);
    CHECK_STR(p, strlen(p), "ab");
    CHECK(*arena_dup(&a, NULL, 0) == '\0');
    arena_free(&a);
}
