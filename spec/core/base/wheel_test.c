#include "core/base/wheel.c"
#include "spec/core/test.h"

struct owner {
    struct wheel_timer t;
    uint64_t fired_at;
    unsigned fired;
    void (*also)(struct owner *o);
};

static struct wheel w;

static void on_timer(struct wheel_timer *t)
{
    struct owner *o = LIST_OF(t, struct owner, t);
    o->fired++;
    o->fired_at = w.now_ms;
    if (o->also)
        o->also(o);
}

static struct owner owner_make(void)
{
    return (struct owner){.fired = 0};
}

static void start(uint64_t now_ms)
{
    wheel_init(&w, now_ms);
}

TEST("a deadline is never early and at most two ticks late, wherever the clock stands")
{
    static const uint64_t waits[] = {0, 1, 63, 64, 65, 1000, 16383, 16384, 16385, 70000, 1000000};
    for (uint64_t base = 1000; base < 1130; base += 13) {
        for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
            struct owner o = owner_make();
            start(base);
            wheel_timer_init(&o.t, on_timer);
            wheel_set(&w, &o.t, waits[i]);
            for (uint64_t now = base; o.fired == 0; now++)
                wheel_advance(&w, now);
            CHECK(o.fired_at >= base + waits[i]);
            CHECK(o.fired_at <= base + waits[i] + 2 * WHEEL_TICK_MS);
            CHECK_INT(w.count, 0);
        }
    }
}

TEST("a long sleep of the owner fires everything that is due, and nothing else")
{
    struct owner due[3], later = owner_make();
    static const uint64_t waits[] = {10, 20000, 90000};
    start(5000);
    for (int i = 0; i < 3; i++) {
        due[i] = owner_make();
        wheel_timer_init(&due[i].t, on_timer);
        wheel_set(&w, &due[i].t, waits[i]);
    }
    wheel_timer_init(&later.t, on_timer);
    wheel_set(&w, &later.t, 1000000);
    wheel_advance(&w, 5000 + 900000);
    CHECK(due[0].fired == 1 && due[1].fired == 1 && due[2].fired == 1 && later.fired == 0);
    CHECK_INT(w.count, 1);
    wheel_advance(&w, 5000 + 1000200);
    CHECK_INT(later.fired, 1);
}

TEST("a cleared timer stays silent; setting anew moves the deadline")
{
    struct owner a = owner_make(), b = owner_make();
    start(0);
    wheel_timer_init(&a.t, on_timer);
    wheel_timer_init(&b.t, on_timer);
    wheel_clear(&w, &a.t);
    wheel_set(&w, &a.t, 100);
    wheel_set(&w, &b.t, 100);
    CHECK(wheel_is_set(&a.t));
    wheel_clear(&w, &a.t);
    CHECK(!wheel_is_set(&a.t));
    wheel_set(&w, &b.t, 1000);
    CHECK_INT(w.count, 1);
    wheel_advance(&w, 500);
    CHECK(a.fired == 0 && b.fired == 0);
    wheel_advance(&w, 2000);
    CHECK(a.fired == 0 && b.fired == 1);
    CHECK(!wheel_is_set(&b.t));
}

static void set_again(struct owner *o)
{
    wheel_set(&w, &o->t, 0);
}

TEST("a callback that sets its own timer is met in a later tick, not in the same round for ever")
{
    struct owner o = owner_make();
    start(0);
    o.also = set_again;
    wheel_timer_init(&o.t, on_timer);
    wheel_set(&w, &o.t, 0);
    wheel_advance(&w, 10000);
    CHECK_INT(o.fired, 1);
    wheel_advance(&w, 20000);
    CHECK_INT(o.fired, 2);
}

static struct owner *victim;

static void clear_victim(struct owner *o)
{
    (void)o;
    wheel_clear(&w, &victim->t);
}

TEST("a callback may clear a timer that is due in the same tick")
{
    struct owner a = owner_make(), b = owner_make();
    start(0);
    a.also = clear_victim;
    victim = &b;
    wheel_timer_init(&a.t, on_timer);
    wheel_timer_init(&b.t, on_timer);
    wheel_set(&w, &a.t, 10);
    wheel_set(&w, &b.t, 10);
    wheel_advance(&w, 1000);
    CHECK(a.fired == 1 && b.fired == 0 && w.count == 0);
}

TEST("a wait without end is no overflow")
{
    struct owner o = owner_make();
    start(1000);
    wheel_timer_init(&o.t, on_timer);
    wheel_set(&w, &o.t, UINT64_MAX);
    wheel_advance(&w, 100000000);
    CHECK_INT(o.fired, 0);
}
