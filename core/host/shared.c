#include "host/shared.h"
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* The mapping's size follows from its count, so that shared_close needs nothing else. */
static size_t size_of(unsigned slots)
{
    return sizeof(struct shared) + slots * sizeof(struct shared_slot);
}

struct shared *shared_open(unsigned slots)
{
    struct shared *s = mmap(NULL, size_of(slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return NULL;
    s->count = slots;
    return s;
}

void shared_close(struct shared *s)
{
    if (s)
        munmap(s, size_of(s->count));
}

void shared_beat(struct shared_slot *s, uint64_t now_ms)
{
    atomic_store_explicit(&s->beat_ms, now_ms, memory_order_relaxed);
}

void shared_reset(struct shared_slot *s, uint64_t now_ms)
{
    atomic_store(&s->pid, 0);
    atomic_store(&s->state, WORKER_STARTING);
    atomic_store(&s->connections, 0);
    atomic_store(&s->tasks, 0);
    atomic_store(&s->loads, 0);
    memset(&s->metrics.now, 0, sizeof s->metrics.now); /* nobody writes there now */
    atomic_fetch_add(&s->generation, 1);
    shared_beat(s, now_ms);
}

unsigned shared_ready(const struct shared *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->count; i++)
        n += atomic_load(&s->slots[i].state) == WORKER_READY;
    return n;
}
