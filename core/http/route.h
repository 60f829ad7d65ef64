#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H
/* Which handler a method and a path mean. Patterns are literal segments and {name} segments: "/tasks/{id}/assign".
 * A literal wins over a parameter. A parameter matches one segment that is not empty. Segments are split before they are
 * percent-decoded. Built once per engine and then only read; counted, because requests under way hold it. */
#include "http/head.h"
#include "http/metrics.h"

enum { ROUTE_PARAMS_MAX = 8, ROUTE_SEGMENTS_MAX = 32, ROUTE_SCOPES_BYTES_MAX = 512 };

/* Who may call: anybody, anybody who is signed in, or one role only. */
enum route_auth { ROUTE_AUTH_NONE = 0, ROUTE_AUTH_USER, ROUTE_AUTH_ADMIN, ROUTE_AUTH_SERVICE };

struct route {
    enum http_method method;
    struct slice pattern; /* owned by the table */
    unsigned param_count;
    struct slice params[ROUTE_PARAMS_MAX]; /* names, owned by the table */
    size_t body_bytes_max;                 /* 0: the limit of the server */
    uint64_t timeout_ms;                   /* 0: limits.handler_ms */
    enum route_auth auth;
    struct slice scopes; /* that the caller must all have, one space between them; owned by the table */
    bool csrf;           /* gives cookies: a request that has some already must be a page's of ours */
    bool json_body;      /* the body must be JSON: 415 otherwise */
    bool form;           /* a multipart/form-data body is read into req->upload as it comes */
    unsigned series;     /* of metrics.h, set by route_table_count */
    int handler;         /* of the ring above: a Lua registry reference */
};

struct route_match {
    const struct route *route;
    struct span params[ROUTE_PARAMS_MAX]; /* into the head's bytes, still encoded */
    unsigned allow;                       /* bit per method that the path has, for 405 and OPTIONS (HEAD with GET) */
};

enum route_status { ROUTE_FOUND = 0, ROUTE_NOT_FOUND, ROUTE_METHOD_NOT_ALLOWED };

struct route_table;
struct route_table *route_table_new(void (*on_free)(void *arg), void *arg); /* count 1; on_free may be NULL */
void route_table_ref(struct route_table *t);
void route_table_unref(struct route_table *t);      /* the last one frees it and calls on_free(arg) */
void *route_table_arg(const struct route_table *t); /* what route_table_new was given: the engine */

/* spec is copied (pattern too). -1 with a reason: bad pattern, the same method and shape twice, too many parameters. */
int route_add(struct route_table *t, const struct route *spec, char *err, size_t err_n) __attribute__((warn_unused_result));
/* HEAD finds the GET route. base is what the spans point into; path lies within it. */
enum route_status route_match(const struct route_table *t, enum http_method method, const char *base, struct span path,
                              struct route_match *out) __attribute__((warn_unused_result));
/* Gives each of its routes the series that it is counted in. */
void route_table_count(struct route_table *t, struct http_metrics *m);
size_t route_count(const struct route_table *t);
const struct route *route_at(const struct route_table *t, size_t i); /* in the order they were added */
/* "GET, HEAD, OPTIONS" for a mask; returns the bytes written. */
size_t route_write_allow(char out[static 64], unsigned allow);
#endif
