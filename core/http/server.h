#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H
/* All connections of one loop, and what they share: the read buffer, the routes, the limits, the deadlines. */
#include "base/wheel.h"
#include "http/metrics.h"
#include "http/request.h"
#include "http/response.h"
#include <uv.h>

struct http_app {
    /* The head is there and its route found, the body is not read yet: may it go on? False: it has been answered, and what
     * the client still sends of its body is thrown away. NULL: every request may. */
    bool (*admit)(struct request *req, void *arg);
    void (*start)(struct request *req, void *arg);  /* the request is whole; see request.h */
    void (*cancel)(struct request *req, void *arg); /* the client left */
    void *arg;
};

struct server_counts {
    uint64_t accepted, refused; /* connections; refused: over connections_max */
    uint64_t requests, bytes_in, bytes_out;
    uint64_t by_class[6];               /* answers by status / 100 */
    unsigned connections, active, idle; /* now: open; with a request; the others */
    unsigned streams;                   /* now: stream_open() without stream_end() */
};

/* Whom the server deals with. Lists are text with a line break between their items. */
struct edges {
    const char *cors_origins;    /* see http/cors.h; NULL or "": none */
    const char *trusted_proxies; /* see http/forwarded.h; networks; NULL or "": none */
    bool forwarded;              /* the proxies write Forwarded, not X-Forwarded-For */
};

struct server;
struct server_opts {
    uv_loop_t *loop;             /* borrowed */
    struct wheel *wheel;         /* borrowed */
    const struct limits *limits; /* borrowed */
    struct http_app app;
    struct http_metrics *metrics; /* borrowed; NULL: memory of its own */
    bool access_log;
    bool server_timing; /* answers say how long they took */
    bool production;    /* HSTS and no hints */
    struct edges edges; /* borrowed during the call of server_new */
};

struct server *server_new(const struct server_opts *opts);
/* A bound socket (listening or not); the server listens on it and owns it from now on. 0 or a UV_E code. */
int server_listen(struct server *s, int fd) __attribute__((warn_unused_result));
/* The routes for requests from now on; takes a count of its own and drops that of the ones before. */
void server_set_routes(struct server *s, struct route_table *t);
/* For requests from now on; the strings are copied. A list of proxies that is malformed is empty. */
void server_set_edges(struct server *s, const struct edges *edges);
/* A header that every answer carries from now on, "Name: value\r\n" (dev shows load errors this way); empty: none. */
void server_set_note(struct server *s, struct slice header_line);
/* Stops accepting; answers say Connection: close from now on; connections that stay idle for a second are closed.
 * on_drained(arg) is called once, later, when the last connection is closed. */
void server_drain(struct server *s, void (*on_drained)(void *arg), void *arg);
bool server_is_draining(const struct server *s);
void server_cancel_all(struct server *s); /* the drain's deadline: cancels what runs and closes every connection */
const struct server_counts *server_counts(const struct server *s);
/* Closes everything; on_closed(arg) when the last handle is closed and the memory is freed. */
void server_close(struct server *s, void (*on_closed)(void *arg), void *arg);
#endif
