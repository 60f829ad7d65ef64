#ifndef HOST_METRICS_H
#define HOST_METRICS_H
/* All workers' numbers as one text, in the format that Prometheus reads (text exposition format 0.0.4). */
#include "base/buf.h"
#include "base/rates.h"
#include "host/shared.h"
#include "script/runtime/env.h"

/* Brings the gauges of this process up to date. */
void metrics_publish(struct worker_metrics *m, const struct script_env *env);
/* rates: NULL is fine. */
void metrics_write(struct buf *out, const struct shared *s, const struct rates *rates);
#endif
