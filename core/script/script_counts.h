#ifndef SCRIPT_SCRIPT_COUNTS_H
#define SCRIPT_SCRIPT_COUNTS_H
/* What the scripting ring counts for the outside; see base/counter.h. */
#include "base/counter.h"

struct script_counts {
    struct counter statements, statement_us; /* of SQL: how many were answered, how long they took */
    struct counter slow_statements;          /* slower than DB_SLOW_MS */
    struct counter reloads, reload_failures; /* of the application, after its first load */
};
#endif
