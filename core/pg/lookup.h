#ifndef PG_LOOKUP_H
#define PG_LOOKUP_H
/* The hosts of a connection string and their addresses. libpq would resolve names by itself, blocking the loop, so
 * every name is looked up first (on the thread pool) and libpq gets one entry for each address: host=db,db
 * hostaddr=10.0.0.1,10.0.0.2, which it tries in that order. The names stay for the certificate check. */
#include "base/buf.h"
#include <libpq-fe.h>
#include <uv.h>

enum { LOOKUP_HOSTS_MAX = 16, LOOKUP_ADDRESSES_MAX = 32 };

struct lookup_host {
    struct slice name, address, port; /* borrowed from the strings given; n 0: not given */
};

struct lookup;
typedef void (*lookup_fn)(struct lookup *l); /* called once, never from inside lookup_start */

struct lookup {
    struct buf texts; /* the strings given, one after another */
    struct lookup_host hosts[LOOKUP_HOSTS_MAX];
    unsigned n, at;
    struct buf host, hostaddr, port; /* what libpq gets: NUL-terminated lists */
    unsigned addresses;
    uv_getaddrinfo_t req;
    bool asking;
    char err[160]; /* of the last name that could not be found */
    uv_loop_t *loop;
    lookup_fn fn;
};

/* host, hostaddr and port as in a connection string, each may be NULL. True: everything is known without asking, fn will
 * not be called. */
bool lookup_start(struct lookup *l, uv_loop_t *loop, const char *host, const char *hostaddr, const char *port, lookup_fn fn);
void lookup_free(struct lookup *l); /* not while it asks */
#endif
