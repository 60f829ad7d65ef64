#include "core/plan/lookup.c"
#include "spec/core/test.h"
#include <stdio.h>

TEST("a name is found by its hint, by its hash when the hint is wrong, and not when it is not there")
{
    struct arena a = {0};
    static const struct slice names[] = {{"title", 5}, {"done", 4}, {"", 0}, {"a_long_name_of_a_field", 22}, {"id", 2}};
    uint32_t twice;
    struct plan_lookup *l = lookup_new(&a, names, 5, &twice);

    CHECK_INT(twice, 5);
    for (uint32_t i = 0; i < 5; i++)
        for (uint32_t hint = 0; hint < 7; hint++)
            CHECK_INT(plan_lookup_find(l, names[i], hint), i);
    CHECK_INT(plan_lookup_find(l, SLICE_LIT("titlf"), 0), -1);
    CHECK_INT(plan_lookup_find(l, SLICE_LIT("a_long_name_of_b_field"), 3), -1);
    CHECK_INT(plan_lookup_find(l, SLICE_LIT("x"), 9), -1);
    arena_free(&a);
}

TEST("a lookup without names finds nothing")
{
    struct arena a = {0};
    uint32_t twice;
    struct plan_lookup *l = lookup_new(&a, NULL, 0, &twice);
    CHECK_INT(twice, 0);
    CHECK_INT(plan_lookup_find(l, SLICE_LIT(""), 0), -1);
    CHECK_INT(plan_lookup_find(l, SLICE_LIT("x"), 0), -1);
    arena_free(&a);
}

TEST("a name that is there twice is told")
{
    struct arena a = {0};
    static const struct slice names[] = {{"a", 1}, {"b", 1}, {"a", 1}, {"c", 1}};
    uint32_t twice;
    (void)lookup_new(&a, names, 4, &twice);
    CHECK_INT(twice, 2);
    arena_free(&a);
}

TEST("each of a thousand names is found in a few steps")
{
    enum { N = 1000 };
    struct arena a = {0};
    struct slice *names = arena_alloc(&a, N * sizeof *names);
    char text[32];
    uint32_t twice, longest = 0;

    for (uint32_t i = 0; i < N; i++) {
        int n = snprintf(text, sizeof text, "field_%u_of_many", i);
        names[i] = slice_of(arena_dup(&a, text, (size_t)n), (size_t)n);
    }
    struct plan_lookup *l = lookup_new(&a, names, N, &twice);
    for (uint32_t i = 0; i < N; i++)
        CHECK_INT(plan_lookup_find(l, names[i], UINT32_MAX), i);
    for (uint32_t at = 0, run = 0; at <= l->mask; at++) {
        run = l->slots[at] != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    CHECK(longest <= 8);
    arena_free(&a);
}
