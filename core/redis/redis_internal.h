#ifndef REDIS_REDIS_INTERNAL_H
#define REDIS_REDIS_INTERNAL_H
/* redis.c runs commands, connect.c sees to the connection, poll.c tells hiredis when its socket is ready. */
#include "redis/redis.h"
#include <hiredis/async.h>

enum redis_state {
    REDIS_AWAY,       /* until `timer` */
    REDIS_LOOKING_UP, /* the host's name */
    REDIS_CONNECTING,
    REDIS_GREETING, /* signs in, chooses the database, leaves the script there */
    REDIS_UP,
    REDIS_CLOSED,
};

struct redis {
    struct redis_opts opts;
    struct redis_place place;
    enum redis_state state;
    redisAsyncContext *ac; /* NULL when there is none; hiredis frees it when the connection ends by itself */
    unsigned open;         /* handles and lookups; the last one frees, once it is closed */
    uv_getaddrinfo_t lookup;
    bool looking;             /* lookup is under way, maybe for an attempt that was given up */
    struct wheel_timer timer; /* AWAY: tries again; up to GREETING: gives up; UP: the deadline of the oldest call */
    struct list calls;        /* in the order of their answers */
    unsigned call_n;
    unsigned failures; /* since it was up */
    bool was_up, told; /* told: the log knows that it is away */
    uint64_t pings, pongs;
    char sha[41]; /* the script's name there */
    struct redis_counts counts;
};

struct redis_call {
    struct list link;
    struct redis *redis;
    redis_fn fn; /* NULL: nobody waits any more */
    void *arg;
    uint64_t deadline_ms; /* on the wheel's clock */
};

/* poll.c. 0, or -1 when the loop takes no more. */
int poll_attach(struct redis *r, redisAsyncContext *ac);

/* connect.c */
void redis_connect(struct redis *r);
void redis_lost(struct redis *r, const char *why); /* hiredis frees the context itself */
void redis_drop(struct redis *r, const char *why); /* frees it */
void redis_settle(struct redis *r);                /* frees the whole when it is closed and nothing is open */
#endif
