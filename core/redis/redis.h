#ifndef REDIS_REDIS_H
#define REDIS_REDIS_H
/* A connection of a worker to Redis that keeps itself up, and one script that is run there. Nothing of it blocks: names are
 * looked up on the thread pool, every command has a deadline, and the line of commands has a length.
 *
 * A Redis that does not answer in time is as good as none: the connection is given up, what was under way is told so, and
 * it is tried again after a while, longer each time. Who asks meanwhile is told at once that it is away. */
#include "base/wheel.h"
#include "redis/place.h"
#include <uv.h>

enum { REDIS_CONNECT_MS = 2000, REDIS_COMMAND_MS = 250, REDIS_LINE_MAX = 4096, REDIS_NUMBERS_MAX = 16 };

struct redis_opts {
    uv_loop_t *loop;       /* borrowed */
    struct wheel *wheel;   /* borrowed */
    const char *url;       /* copied */
    const char *script;    /* borrowed for ever: a literal */
    const char *trial_key; /* the same: for a run of the script, with the arguments 1 and 1, that shows that it can be run */
};

struct redis_numbers { /* what the script returned */
    unsigned n;
    int64_t list[REDIS_NUMBERS_MAX];
};

struct redis;
struct redis_call;
/* numbers is NULL when the answer did not come, or is none of numbers. */
typedef void (*redis_fn)(const struct redis_numbers *numbers, void *arg);

struct redis *redis_new(const struct redis_opts *opts); /* connects in the background; NULL: the URL is none */
/* Calls under way end with NULL; the memory goes with the last handle, in the loop's next turns. NULL is fine. */
void redis_close(struct redis *r);
bool redis_is_up(const struct redis *r); /* false for NULL */

/* Runs the script with these keys and arguments. fn(..., arg) is called once, later. NULL: Redis is away, or too many
 * calls wait already; fn will not be called. */
struct redis_call *redis_run(struct redis *r, const struct slice *keys, unsigned key_n, const struct slice *args,
                             unsigned arg_n, redis_fn fn, void *arg);
void redis_forget(struct redis_call *call); /* its fn will not be called */

/* For readiness: sends a PING and says which one; then, whether that was answered (while the connection stands). */
uint64_t redis_ping(struct redis *r); /* 0: it is away */
bool redis_ponged(const struct redis *r, uint64_t ping);

struct redis_counts {
    uint64_t calls;  /* that were answered */
    uint64_t failed; /* that were not, or not with numbers */
};
const char *redis_library_version(void); /* of hiredis */
struct redis_counts redis_counts(const struct redis *r);
#endif
