#ifndef PG_LOOKUP_H
#define PG_LOOKUP_H
/* The hosts of a connection string and their addresses. libpq would resolve names by itself, blocking the loop, so
 * every name is looked up first (on the thread pool) and each address is one target: host=db hostaddr=10.0.0.1. The name
 * stays for the certificate check. */
#include "base/buf.h"
#include <libpq-fe.h>
#include <netinet/in.h>
#include <uv.h>

enum { LOOKUP_HOSTS_MAX = 16, LOOKUP_TARGETS_MAX = 32 };

struct lookup_host {
    const char *name, *address, *port; /* borrowed from the strings given; "": not given */
};

struct lookup_target { /* one server, as libpq takes it; "": its default */
    const char *name, *port;
    char address[INET6_ADDRSTRLEN + 16]; /* a zone may follow */
};

struct lookup;
typedef void (*lookup_fn)(struct lookup *l); /* called once, never from inside lookup_start */

struct lookup {
    struct buf texts; /* the strings given, one after another */
    struct lookup_host hosts[LOOKUP_HOSTS_MAX];
    unsigned n, at;
    struct lookup_target targets[LOOKUP_TARGETS_MAX]; /* in the order of the strings */
    unsigned count;                                   /* of them */
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
