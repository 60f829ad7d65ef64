#ifndef HOST_WORKER_METRICS_H
#define HOST_WORKER_METRICS_H
/* What one worker counts, and how it is: a part of the memory that all processes share. The counts stay when the worker is
 * started anew and go on; the gauges are its own, written every second and before it answers /metrics. */
#include "http/metrics.h"
#include "pg/pool.h"
#include "script/runtime/counts.h"

struct worker_gauges {
    struct counter connections, active, streams, tasks, background, lua_heap;
    struct counter db_busy, db_idle, db_connecting, db_waiting, db_max, db_available;
};

struct worker_metrics {
    struct worker_gauges now;
    struct pool_counts pool;
    struct script_counts script;
    struct http_metrics http;
};
#endif
