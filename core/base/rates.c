#include "base/rates.h"

#include "base/clock.h"
#include "base/siphash.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    SPINS = 64,                       /* before the processor is offered to somebody else, who may be the holder */
    LOCK_STALE_NS = 50 * 1000 * 1000, /* a lock is held for less than a microsecond, or by somebody who was killed */
};

/* In place of a time: the slot is about to be another key's. */
static const uint64_t moving = UINT64_MAX;

/* Read in the order time, key and changed by a swap of the time: who changes the key makes the time `moving` first, so a
 * swap that succeeds was of the key that was read. */
struct slot {
    _Atomic uint64_t key; /* 0: nobody's */
    _Atomic uint64_t owed_until_ns;
};

struct bucket {
    _Atomic uint64_t locked_ns; /* when; 0: it is not */
    struct slot slots[RATES_BUCKET_KEYS];
    uint64_t pad; /* to two cache lines */
};

struct rates {
    struct siphash_key secret;
    size_t bytes;
    uint64_t mask;
    _Atomic uint64_t refused, forgotten, alone;
    _Alignas(128) struct bucket buckets[];
};

struct rate rate_of(uint64_t limit, double seconds, uint64_t burst)
{
    uint64_t interval = (uint64_t)(seconds * 1e9 / (double)limit + 0.5);
    struct rate r = {.interval_ns = interval > 0 ? interval : 1};
    r.burst_ns = r.interval_ns * (burst > 0 ? burst : limit);
    return r;
}

struct rate_verdict rate_judge(const struct rate *r, uint64_t owed_until_ns, uint64_t now_ns)
{
    uint64_t owed = owed_until_ns > now_ns ? owed_until_ns - now_ns : 0;
    struct rate_verdict v = {.allowed = owed + r->interval_ns <= r->burst_ns, .reset_ns = owed};
    v.left = owed < r->burst_ns ? (r->burst_ns - owed) / r->interval_ns : 0;
    v.retry_ns = v.allowed ? 0 : owed + r->interval_ns - r->burst_ns;
    return v;
}

/* Straight from the kernel: the page of base/random.h must not be drawn before the fork. */
static void draw_secret(struct rates *r)
{
    if (getrandom(&r->secret, sizeof r->secret, 0) != (ssize_t)sizeof r->secret) {
        fprintf(stderr, "neap: the kernel has no random bytes\n");
        abort();
    }
}

struct rates *rates_open(unsigned buckets)
{
    size_t bytes = sizeof(struct rates) + buckets * sizeof(struct bucket);
    struct rates *r = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        return NULL;
    r->bytes = bytes;
    r->mask = buckets - 1;
    draw_secret(r);
    return r;
}

void rates_close(struct rates *r)
{
    if (r != NULL)
        munmap(r, r->bytes);
}

void rates_forget(struct rates *r)
{
    draw_secret(r);
}

uint64_t rates_key(const struct rates *r, const void *p, size_t n)
{
    uint64_t key = siphash(&r->secret, p, n);
    return key != 0 ? key : 1;
}

/* ---- a key that is there ---- */

/* Not one that is moving: who changes it may have died there, and then nobody else would ever finish. */
static struct slot *find(struct bucket *b, uint64_t key)
{
    for (int i = 0; i < RATES_BUCKET_KEYS; i++)
        if (atomic_load_explicit(&b->slots[i].key, memory_order_relaxed) == key &&
            atomic_load_explicit(&b->slots[i].owed_until_ns, memory_order_acquire) != moving)
            return &b->slots[i];
    return NULL;
}

/* False: the slot is not the key's any more. */
static bool count(struct slot *s, uint64_t key, const struct rate *rate, uint64_t now_ns, struct rate_verdict *out)
{
    uint64_t owed = atomic_load_explicit(&s->owed_until_ns, memory_order_acquire);
    for (;;) {
        if (owed == moving || atomic_load_explicit(&s->key, memory_order_acquire) != key)
            return false;
        *out = rate_judge(rate, owed, now_ns);
        if (!out->allowed)
            return true;
        uint64_t next = (owed > now_ns ? owed : now_ns) + rate->interval_ns;
        if (atomic_compare_exchange_weak_explicit(&s->owed_until_ns, &owed, next, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            *out = rate_judge(rate, next, now_ns);
            out->allowed = true;
            return true;
        }
    }
}

/* ---- a new key ---- */

static uint64_t lock(struct bucket *b)
{
    for (unsigned spins = 1;; spins++) {
        uint64_t held = atomic_load_explicit(&b->locked_ns, memory_order_relaxed), now = clock_monotonic_us() * 1000;
        if ((held == 0 || (now > held && now - held > LOCK_STALE_NS)) &&
            atomic_compare_exchange_strong_explicit(&b->locked_ns, &held, now, memory_order_acquire, memory_order_relaxed))
            return now;
        if (spins % SPINS == 0)
            sched_yield();
    }
}

/* Unless it was taken from us meanwhile. */
static void unlock(struct bucket *b, uint64_t held)
{
    atomic_compare_exchange_strong_explicit(&b->locked_ns, &held, 0, memory_order_release, memory_order_relaxed);
}

/* Under the lock: the place that is missed least, now nobody's. One that is moving was left by a process that died. */
static struct slot *clear_one(struct rates *r, struct bucket *b, uint64_t now_ns)
{
    for (;;) {
        struct slot *least = NULL;
        uint64_t until = 0;
        for (int i = 0; i < RATES_BUCKET_KEYS; i++) {
            uint64_t owed = atomic_load_explicit(&b->slots[i].owed_until_ns, memory_order_acquire);
            if (owed == moving)
                return &b->slots[i];
            if (least == NULL || owed < until)
                least = &b->slots[i], until = owed;
        }
        uint64_t seen = until;
        if (!atomic_compare_exchange_strong_explicit(&least->owed_until_ns, &seen, moving, memory_order_acq_rel,
                                                     memory_order_relaxed))
            continue; /* somebody was counted there */
        if (until > now_ns)
            atomic_fetch_add_explicit(&r->forgotten, 1, memory_order_relaxed);
        return least;
    }
}

static void insert(struct rates *r, struct bucket *b, uint64_t key, uint64_t now_ns)
{
    uint64_t held = lock(b);
    if (find(b, key) == NULL) {
        struct slot *s = clear_one(r, b, now_ns);
        atomic_store_explicit(&s->key, key, memory_order_release);
        atomic_store_explicit(&s->owed_until_ns, now_ns, memory_order_release);
    }
    unlock(b, held);
}

void rates_note_refused(struct rates *r)
{
    atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
}

void rates_note_alone(struct rates *r)
{
    atomic_fetch_add_explicit(&r->alone, 1, memory_order_relaxed);
}

struct rate_verdict rates_take(struct rates *r, uint64_t key, const struct rate *rate, uint64_t now_ns)
{
    struct bucket *b = &r->buckets[key & r->mask];
    struct rate_verdict v;
    for (;;) {
        struct slot *s = find(b, key);
        if (s == NULL)
            insert(r, b, key, now_ns);
        else if (count(s, key, rate, now_ns, &v))
            break;
    }
    if (!v.allowed)
        rates_note_refused(r);
    return v;
}

struct rates_counts rates_counts(const struct rates *r)
{
    return (struct rates_counts){.refused = atomic_load_explicit(&r->refused, memory_order_relaxed),
                                 .alone = atomic_load_explicit(&r->alone, memory_order_relaxed),
                                 .forgotten = atomic_load_explicit(&r->forgotten, memory_order_relaxed)};
}
