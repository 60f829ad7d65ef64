#include "base/wheel.h"
#include <assert.h>

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    for (int i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
    w->tick = now_ms / WHEEL_TICK_MS;
    w->now_ms = now_ms;
    w->count = 0;
}

void wheel_timer_init(struct wheel_timer *t, wheel_fn fn)
{
    list_init(&t->link);
    t->at_tick = 0;
    t->fn = fn;
}

bool wheel_is_set(const struct wheel_timer *t)
{
    return !list_is_empty(&t->link);
}

void wheel_clear(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_is_set(t))
        return;
    list_remove(&t->link);
    w->count--;
}

void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t after_ms)
{
    wheel_clear(w, t);
    if (after_ms > UINT64_MAX / 2)
        after_ms = UINT64_MAX / 2;
    /* now_ms can be almost a tick old. Reckoned from the latest that it can be now, rounded up, nothing fires early. */
    t->at_tick = (w->now_ms + after_ms + 2 * (WHEEL_TICK_MS - 1)) / WHEEL_TICK_MS;
    if (t->at_tick <= w->tick)
        t->at_tick = w->tick + 1;
    list_push_back(&w->slots[t->at_tick % WHEEL_SLOTS], &t->link);
    w->count++;
}

/* The slot is emptied first, so that timers which callbacks set anew aren't met again in the same round. */
static void run_slot(struct wheel *w, uint64_t tick)
{
    struct list *slot = &w->slots[tick % WHEEL_SLOTS];
    if (list_is_empty(slot))
        return;

    struct list due = *slot;
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(slot);
    for (struct list *node; (node = list_first(&due)) != NULL;) {
        struct wheel_timer *t = LIST_OF(node, struct wheel_timer, link);
        list_remove(node);
        if (t->at_tick > tick) {
            list_push_back(slot, node);
            continue;
        }
        w->count--;
        t->fn(t);
    }
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    uint64_t target = now_ms / WHEEL_TICK_MS;

    assert(now_ms >= w->now_ms);
    w->now_ms = now_ms;
    if (target - w->tick > WHEEL_SLOTS) /* one round meets every slot, however long the sleep was */
        w->tick = target - WHEEL_SLOTS;
    while (w->tick < target) {
        if (w->count == 0) {
            w->tick = target;
            return;
        }
        run_slot(w, ++w->tick);
    }
}
