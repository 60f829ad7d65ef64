#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H
/* What a server counts for the outside. One series for each method and pattern of a route, never for a path: there are as
 * many as the application has routes, whatever clients ask for. The memory may be shared with other processes, which
 * only read; it stays when the process that writes is started anew, and its numbers go on. */
#include "base/counter.h"
#include "base/slice.h"

enum {
    SERIES_MAX = 512,        /* more routes are counted together with requests that have none */
    SERIES_PATTERN_MAX = 160 /* longer ones are cut */
};

struct series {
    char method[8], pattern[SERIES_PATTERN_MAX]; /* written before `count` says that it is there */
    struct counter by_class[6];                  /* by status / 100; 0: the client left first */
    struct times took;
};

struct http_metrics {
    _Atomic unsigned count;           /* of the series in use */
    struct series series[SERIES_MAX]; /* the first one is of requests without a route */
    struct counter connections, refused, bytes_in, bytes_out;
};

/* The series of that name, new or not. */
unsigned metrics_series(struct http_metrics *m, struct slice method, struct slice pattern);
/* In place of a status, in the access line and here: the client left before the answer. It is the number that nginx uses. */
enum { STATUS_CLIENT_LEFT = 499 };

/* A request is over. */
void metrics_count(struct http_metrics *m, unsigned series, int status, uint64_t us);
#endif
