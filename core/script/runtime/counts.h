#ifndef SCRIPT_RUNTIME_COUNTS_H
#define SCRIPT_RUNTIME_COUNTS_H
/* What the scripting ring counts for the outside; see base/counter.h. */
#include "base/counter.h"

struct script_counts {
    struct counter statements, statement_us; /* of SQL: how many were answered, how long they took */
    struct counter slow_statements;          /* slower than DB_SLOW_MS */
    struct counter reloads, reload_failures; /* of the application, after its first load */
    /* what the framework's Lua counts, by core.count(name) */
    struct counter jobs_succeeded, jobs_failed, jobs_dead; /* runs of jobs, and jobs that were given up */
    struct counter streams_slow, streams_expired;          /* event streams that were cut off, or ended with their token */
};
#endif
