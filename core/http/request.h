#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H
/* One request from the end of its head to the end of its answer. Recycled by the server.
 *
 * Life: the connection makes it, finds its route, asks http_app.admit() whether its body is worth reading, reads it, and
 * hands the request over with http_app.start(). From then on it is the app's until the app calls response_send() or
 * response_error() once, now or later. When start() returns without an answer the connection has already copied the head
 * (request_own), so head bytes stay valid until the end.
 * When the client leaves first, the app hears http_app.cancel() once; it still has to answer (the answer goes nowhere). */
#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/wheel.h"
#include "http/route.h"

struct caller;
struct conn;
struct server;
struct upload;

/* A UUID has 36; tracing systems send up to about 100. */
enum { REQUEST_ID_MAX = 128 };

struct request {
    struct server *server; /* borrowed */
    struct conn *conn;     /* borrowed; NULL once the client is gone */
    const char *base;      /* what the spans of head point into */
    struct head head;
    struct route_match match;  /* match.route is NULL for requests that C answers */
    struct route_table *table; /* counted: keeps the engine of match.route alive */
    struct slice body;         /* whole; n 0 when there is none */
    struct upload *upload;     /* the parts of a multipart form, in place of body; NULL: it is none */
    struct arena arena;
    uint64_t started_us; /* monotonic, at the first byte of the head */
    char id[REQUEST_ID_MAX];
    uint8_t id_n;
    struct caller *caller;     /* who signed in, in the arena; NULL: nobody */
    struct address address;    /* request_address() gives it */
    struct slice more_headers; /* lines that its answer has in any case, each "Name: value\r\n"; in the arena */
    struct slice user_id;      /* for the access line; arena or static; n 0: none */
    struct buf log_fields;     /* JSON members for the access line: ,"key":value */
    void *task;                /* of the app */
    bool started;              /* start() was called */
    bool cancelled;            /* cancel() was called */
    bool answered;
    bool headless;                   /* its head could not be read: C answers, and there is nothing to ask it about */
    struct buf head_copy, body_copy; /* owned; what base and body point to once they are owned */
    struct list link;                /* server's free or live list */
};

/* "" when absent. */
struct slice request_header(const struct request *r, enum header_id id);
/* The first of that name, in any case; p NULL when there is none, which an empty one is not. */
struct slice request_header_named(const struct request *r, struct slice name);
struct slice request_path(const struct request *r);
struct slice request_query(const struct request *r);
struct slice request_id(const struct request *r);
#endif
