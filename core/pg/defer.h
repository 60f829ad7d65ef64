#ifndef PG_DEFER_H
#define PG_DEFER_H
/* Calls that must not happen inside the call that caused them: they are made at the next turn of the loop, in order. */
#include "base/list.h"
#include <uv.h>

struct deferred;
typedef void (*deferred_fn)(struct deferred *d);

struct deferred { /* embedded; its owner finds itself with LIST_OF(d, struct owner, member) */
    struct list link;
    deferred_fn fn;
};

struct defer {
    uv_idle_t idle; /* runs only while something is due, so that the loop does not sleep meanwhile */
    struct list due;
};

void defer_init(struct defer *d, uv_loop_t *loop);
void defer_close(struct defer *d, uv_close_cb on_closed); /* on_closed gets the idle handle; what is due is dropped */
void deferred_init(struct deferred *d, deferred_fn fn);
void defer_call(struct defer *d, struct deferred *call); /* once, however often it is asked for */
bool defer_drop(struct deferred *call);                  /* false: it was not due */
#endif
