#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H
/* A number that one thread of one process writes and anybody reads, in memory that they may share. A plain load, an
 * addition and a store: nothing is locked, and no reader ever sees half of a number. */
#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t n;
};

static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->n, memory_order_relaxed);
}
static inline void counter_set(struct counter *c, uint64_t n)
{
    atomic_store_explicit(&c->n, n, memory_order_relaxed);
}
static inline void counter_add(struct counter *c, uint64_t by)
{
    counter_set(c, counter_get(c) + by);
}

/* How long things took, in microseconds: how many up to each bound (and not up to the one before), the last one without
 * bound. */
enum { TIMES_BOUNDS = 14 };
struct times {
    struct counter upto[TIMES_BOUNDS + 1];
    struct counter sum_us;
};
static const uint32_t times_bounds_us[TIMES_BOUNDS] = {500,    1000,   2500,   5000,    10000,   25000,   50000,
                                                       100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

static inline void times_add(struct times *t, uint64_t us)
{
    int i = 0;

    while (i < TIMES_BOUNDS && us > times_bounds_us[i])
        i++;
    counter_add(&t->upto[i], 1);
    counter_add(&t->sum_us, us);
}
#endif
