#include "core/pg/history.c"
#include "spec/core/test.h"

static const struct slice text = SLICE_LIT("select 1");

static bool is_quick_after(uint64_t us, size_t bytes, int runs)
{
    static struct history h;

    h = (struct history){0};
    (void)history_find(&h, text, 7);
    for (int i = 0; i < runs; i++)
        history_add(&h, 7, us, bytes, false);
    return history_is_quick(&h, history_find(&h, text, 7));
}

TEST("a text is shared once it ran and was quick")
{
    CHECK(!is_quick_after(100, 100, 0));
    CHECK(is_quick_after(100, 100, 1));
}

TEST("a text that brings much has a connection to itself")
{
    CHECK(!is_quick_after(100, HISTORY_LITTLE_BYTES, 1));
    CHECK(is_quick_after(100, HISTORY_LITTLE_BYTES - 1, 1));
}

TEST("one large result among many small ones changes nothing, several do")
{
    static struct history h;

    (void)history_find(&h, text, 7);
    for (int i = 0; i < 20; i++)
        history_add(&h, 7, 100, 200, false);
    history_add(&h, 7, 100, HISTORY_LITTLE_BYTES, false);
    CHECK(history_is_quick(&h, history_find(&h, text, 7)));
    for (int i = 0; i < 40; i++)
        history_add(&h, 7, 100, 2 * (size_t)HISTORY_LITTLE_BYTES, false);
    CHECK(!history_is_quick(&h, history_find(&h, text, 7)));
}

TEST("one that always fails is kept away from its neighbours")
{
    static struct history h;

    (void)history_find(&h, text, 7);
    history_add(&h, 7, 100, 0, true);
    CHECK(!history_is_quick(&h, history_find(&h, text, 7)));
}
