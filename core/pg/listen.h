#ifndef PG_LISTEN_H
#define PG_LISTEN_H
/* LISTEN. A worker has one connection for all its listeners, however many: it is opened with the first and closed after
 * the last, and is none of the pool's. When it breaks it is made again, with the pool's jittered backoff, and every
 * listener hears that messages may have been missed meanwhile. A server that has fallen silent is noticed by a question
 * that it does not answer: without one a black-holed network looks like a channel on which nothing happens. */
#include "base/list.h"
#include "base/slice.h"
#include "base/wheel.h"
#include "pg/defer.h"

enum {
    LISTEN_CHANNEL_MAX = 63, /* NAMEDATALEN - 1: Postgres cuts longer names of LISTEN, and refuses those of NOTIFY */
    LISTEN_PING_MS = 15000,  /* how often the question is asked */
    LISTEN_ANSWER_MS = 5000, /* for the answer to it, and to LISTEN */
};

struct pool;
struct pg_conn;
struct listen_channel;
struct pg_listener;

enum listen_event {
    LISTEN_BEGUN,   /* from here on nothing is missed */
    LISTEN_MESSAGE, /* its payload */
    LISTEN_GAP      /* the connection is back: messages may have been missed */
};
/* From a loop callback; may neither listen nor unlisten. The payload is gone afterwards. */
typedef void (*listen_fn)(struct pg_listener *l, enum listen_event event, struct slice payload);

struct pg_listener { /* embedded by its owner */
    struct list link;
    struct listen_channel *channel; /* NULL: it does not listen, or the pool was closed */
    listen_fn fn;
    bool begun, heard; /* it was told that it has begun; the present connection listens for it */
};

/* name: 1 to LISTEN_CHANNEL_MAX bytes without a NUL; any other character is fine, it is quoted. */
void pool_listen(struct pool *p, struct pg_listener *l, struct slice name, listen_fn fn);
/* No callback comes afterwards. Fine when it is over, also when the pool is (then p is not looked at). */
void pool_unlisten(struct pool *p, struct pg_listener *l);

struct listen { /* of the pool */
    struct pool *pool;
    struct list channels;
    struct pg_conn *conn; /* owned; NULL: none is open or being opened */
    struct deferred settle;
    struct wheel_timer retry, ping;
    uint64_t ping_ms;
    unsigned failures; /* in a row */
    bool telling;
};
void listen_init(struct listen *ln, struct pool *p, uint64_t ping_ms);
void listen_elsewhere(struct listen *ln); /* its server takes no writes any more, so nothing will be told there */
void listen_close(struct listen *ln);     /* nobody listens any more */
#endif
