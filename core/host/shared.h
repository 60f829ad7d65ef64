#ifndef HOST_SHARED_H
#define HOST_SHARED_H
/* Memory that the supervisor and its workers share: mapped before the first fork, gone with the last process. Each worker
 * writes its own slot only and the supervisor reads them all, except for pid and generation, which the supervisor writes. */
#include "host/worker_metrics.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum worker_state { WORKER_NONE, WORKER_STARTING, WORKER_READY, WORKER_DRAINING };

struct shared_slot {
    _Atomic int state;           /* enum worker_state */
    _Atomic int pid;             /* 0: nobody */
    _Atomic unsigned generation; /* counts the starts of this slot */
    _Atomic uint64_t beat_ms;    /* monotonic; the worker's loop writes it, the supervisor watches it */
    _Atomic unsigned loads;      /* of the application, since the worker's start */
    _Atomic uint64_t requests;
    _Atomic unsigned connections, tasks;
    struct worker_metrics metrics;
    char pad[64]; /* two workers never write one cache line */
};

struct shared {
    unsigned count;
    struct shared_slot slots[];
};

struct shared *shared_open(unsigned slots); /* NULL when the system has none */
void shared_close(struct shared *s);
void shared_beat(struct shared_slot *s, uint64_t now_ms);
/* The slot is about to get a new process. */
void shared_reset(struct shared_slot *s, uint64_t now_ms);
unsigned shared_ready(const struct shared *s); /* workers that take requests */
#endif
