#include "core/base/rates.c"
#include "spec/core/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t second = 1000 * 1000 * 1000;

static uint64_t key_of(const struct rates *r, uint64_t n)
{
    return rates_key(r, &n, sizeof n);
}

static unsigned allowed_of(struct rates *r, uint64_t key, const struct rate *rate, uint64_t now, unsigned n)
{
    unsigned allowed = 0;
    for (unsigned i = 0; i < n; i++)
        allowed += rates_take(r, key, rate, now).allowed;
    return allowed;
}

TEST("a burst passes at once, and then one request each interval")
{
    struct rates *r = rates_open(16);
    struct rate rate = rate_of(5, 60, 0);
    uint64_t key = key_of(r, 1), now = 100 * second;
    CHECK_INT(allowed_of(r, key, &rate, now, 20), 5);
    CHECK_INT(allowed_of(r, key, &rate, now + 12 * second - 1, 5), 0);
    CHECK_INT(allowed_of(r, key, &rate, now + 12 * second, 5), 1);
    CHECK_INT(allowed_of(r, key, &rate, now + 24 * second, 5), 1);
    CHECK_INT(allowed_of(r, key, &rate, now + 84 * second, 20), 5);
    CHECK_INT(allowed_of(r, key, &rate, now + 9999 * second, 20), 5); /* no more for having been away */
    rates_close(r);
}

TEST("a verdict says what is left, when it is whole again, and when to come back")
{
    struct rates *r = rates_open(16);
    struct rate rate = rate_of(10, 10, 3);
    uint64_t key = key_of(r, 1), now = 100 * second;
    struct rate_verdict v = rates_take(r, key, &rate, now);
    CHECK(v.allowed && v.left == 2 && v.reset_ns == second && v.retry_ns == 0);
    v = rates_take(r, key, &rate, now);
    v = rates_take(r, key, &rate, now);
    CHECK(v.allowed && v.left == 0 && v.reset_ns == 3 * second);
    v = rates_take(r, key, &rate, now + second / 4);
    CHECK(!v.allowed && v.left == 0 && v.retry_ns == second * 3 / 4 && v.reset_ns == 3 * second - second / 4);
    CHECK_INT(rates_counts(r).refused, 1);
    rates_close(r);
}

TEST("a refused request costs nothing")
{
    struct rates *r = rates_open(16);
    struct rate rate = rate_of(1, 1, 0);
    uint64_t key = key_of(r, 1);
    CHECK_INT(allowed_of(r, key, &rate, second, 1000), 1);
    CHECK_INT(allowed_of(r, key, &rate, 2 * second, 1000), 1);
    rates_close(r);
}

TEST("a high pace is counted to the nanosecond")
{
    struct rates *r = rates_open(16);
    struct rate rate = rate_of(300000, 1, 1);
    CHECK_INT(rate.interval_ns, 3333);
    CHECK_INT(rate_of(UINT64_MAX, 1, 1).interval_ns, 1);
    uint64_t key = key_of(r, 1), now = second;
    unsigned allowed = 0;
    for (int i = 0; i < 1000000; i++) /* one each microsecond */
        allowed += rates_take(r, key, &rate, now += 1000).allowed;
    CHECK(allowed >= 249000 && allowed <= 300100);
    rates_close(r);
}

TEST("keys do not share what they are allowed")
{
    struct rates *r = rates_open(8192);
    struct rate rate = rate_of(2, 60, 0);
    for (uint64_t n = 0; n < 2000; n++)
        CHECK_INT(allowed_of(r, key_of(r, n), &rate, second, 4), 2);
    for (uint64_t n = 0; n < 2000; n++)
        CHECK_INT(allowed_of(r, key_of(r, n), &rate, second, 4), 0);
    CHECK_INT(rates_counts(r).forgotten, 0);
    rates_close(r);
}

TEST("a flood of keys takes the places of those who owe least, and who is over the limit is remembered")
{
    struct rates *r = rates_open(64);
    struct rate rate = rate_of(10, 60, 0);
    uint64_t over[20];
    for (uint64_t n = 0; n < 20; n++) {
        over[n] = key_of(r, n);
        CHECK_INT(allowed_of(r, over[n], &rate, second, 20), 10);
    }
    for (uint64_t n = 1000; n < 101000; n++)
        CHECK(rates_take(r, key_of(r, n), &rate, second).allowed);
    for (int n = 0; n < 20; n++)
        CHECK_INT(allowed_of(r, over[n], &rate, second, 5), 0);
    CHECK(rates_counts(r).forgotten > 90000);
    rates_close(r);
}

TEST("keys that owe nothing make room without anybody being forgotten")
{
    struct rates *r = rates_open(1);
    struct rate rate = rate_of(1, 1, 0);
    for (uint64_t n = 0; n < 7000; n++) /* seven a second, each owing for a second */
        CHECK(rates_take(r, key_of(r, n), &rate, (1 + n / 7) * second).allowed);
    CHECK_INT(rates_counts(r).forgotten, 0);
    rates_close(r);
}

static void count_in_child(struct rates *r, unsigned keys, unsigned takes, unsigned *allowed)
{
    struct rate rate = rate_of(1000, 3600, 0);
    for (unsigned i = 0; i < takes; i++)
        *allowed += rates_take(r, key_of(r, i % keys), &rate, second).allowed;
}

TEST("processes together are allowed exactly what one would be, new keys included")
{
    enum { CHILDREN = 4, KEYS = 200, TAKES = 300000 };
    struct rates *r = rates_open(4096);
    unsigned *allowed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = 0;
    for (int i = 0; i < CHILDREN; i++)
        if (fork() == 0) {
            count_in_child(r, KEYS, TAKES, &allowed[i * 64]);
            _exit(0);
        }
    for (int i = 0; i < CHILDREN; i++)
        wait(NULL);
    for (int i = 0; i < CHILDREN; i++)
        sum += allowed[i * 64];
    CHECK_INT(sum, KEYS * 1000);
    munmap(allowed, 4096);
    rates_close(r);
}

/* Both come to each key at the same moment. */
static void race(struct rates *r, unsigned keys, _Atomic unsigned *arrived, unsigned *allowed)
{
    struct rate rate = rate_of(1, 3600, 0);
    for (unsigned i = 0; i < keys; i++) {
        atomic_fetch_add(arrived, 1);
        while (atomic_load(arrived) < 2 * (i + 1))
            sched_yield();
        *allowed += rates_take(r, key_of(r, i), &rate, second).allowed;
    }
}

TEST("a key that two processes see for the first time at once is one key")
{
    enum { KEYS = 5000 };
    struct rates *r = rates_open(1 << 16);
    unsigned *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            race(r, KEYS, (_Atomic unsigned *)shared, &shared[64 + 64 * i]);
            _exit(0);
        }
    for (int i = 0; i < 2; i++)
        wait(NULL);
    CHECK_INT(shared[64] + shared[128], KEYS);
    munmap(shared, 4096);
    rates_close(r);
}

/* Whether a new key of this bucket came in only after the other process let go of it. */
static bool waits_for_holder(struct rates *r, _Atomic unsigned *stage, uint64_t key)
{
    struct rate rate = rate_of(1, 3600, 0);
    atomic_store(stage, 0);
    if (fork() == 0) {
        uint64_t held = lock(&r->buckets[0]);
        atomic_store(stage, 1);
        usleep(5000);
        atomic_store(stage, 2);
        unlock(&r->buckets[0], held);
        _exit(0);
    }
    while (atomic_load(stage) == 0)
        sched_yield();
    bool allowed = rates_take(r, key, &rate, second).allowed, waited = atomic_load(stage) == 2;
    wait(NULL);
    return allowed && waited;
}

TEST("new keys of one bucket come in one after the other")
{
    struct rates *r = rates_open(1);
    _Atomic unsigned *stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool waited = false;
    /* A holder that the machine forgets for longer than a lock is good for proves nothing. */
    for (uint64_t n = 0; n < 5 && !waited; n++)
        waited = waits_for_holder(r, stage, key_of(r, n));
    CHECK(waited);
    munmap((void *)stage, 4096);
    rates_close(r);
}

TEST("a worker that was killed with a lock in its hand, and a place half changed, holds nobody up")
{
    struct rates *r = rates_open(1);
    struct rate rate = rate_of(2, 60, 0);
    uint64_t key = key_of(r, 1), now = clock_monotonic_us() * 1000;
    CHECK(rates_take(r, key, &rate, now).allowed);
    pid_t pid = fork();
    if (pid == 0) {
        lock(&r->buckets[0]);
        for (int i = 0; i < RATES_BUCKET_KEYS; i++)
            atomic_store(&r->buckets[0].slots[i].owed_until_ns, moving);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
    CHECK(atomic_load(&r->buckets[0].locked_ns) != 0);
    CHECK_INT(allowed_of(r, key, &rate, now, 5), 2);
    CHECK_INT(allowed_of(r, key_of(r, 2), &rate, now, 5), 2);
    CHECK_INT(atomic_load(&r->buckets[0].locked_ns), 0);
    rates_close(r);
}

TEST("another secret makes every key new")
{
    struct rates *r = rates_open(16);
    uint64_t before = key_of(r, 1);
    rates_forget(r);
    CHECK(key_of(r, 1) != before);
    rates_close(r);
}
