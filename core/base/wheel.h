#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H
/* Deadlines of everything on one loop: a hashed timing wheel, driven by one timer of the owner. Setting and clearing
 * cost a few list operations and no system call. A deadline fires up to two ticks late and never early. */
#include "base/list.h"
#include <stdint.h>

/* 256 slots of 64 ms are a turn of 16 s: most deadlines come within it, and later ones are passed over once a turn. */
enum { WHEEL_TICK_MS = 64, WHEEL_SLOTS = 256 };

struct wheel_timer;
typedef void (*wheel_fn)(struct wheel_timer *t);

struct wheel_timer { /* embedded by its owner, who finds itself with LIST_OF(t, struct owner, member) */
    struct list link;
    uint64_t at_tick;
    wheel_fn fn;
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    uint64_t tick;   /* the last tick that was run */
    uint64_t now_ms; /* monotonic, as of the last wheel_advance */
    unsigned count;  /* timers that are set */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
void wheel_timer_init(struct wheel_timer *t, wheel_fn fn);
void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t after_ms); /* sets it anew when it is set already */
void wheel_clear(struct wheel *w, struct wheel_timer *t);                  /* fine when it is not set */
bool wheel_is_set(const struct wheel_timer *t);
/* Runs what is due. A callback may set and clear any timer, its own too. */
void wheel_advance(struct wheel *w, uint64_t now_ms);
#endif
