#ifndef PLAN_PATTERN_H
#define PLAN_PATTERN_H
/* Patterns of JSON Schema, which are those of ECMAScript in Unicode mode, run by PCRE2. What one match may cost is limited,
 * whatever the pattern and the text. */
#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>

enum {
    PATTERN_STEPS_MAX = 100 * 1000,     /* backtracks from one place of the text */
    PATTERN_HEAP_KIB_MAX = 16 * 1024,   /* 1 KiB for each byte of the longest text, to remember where to go back to */
    PATTERN_TEXT_BYTES_MAX = 16 * 1024, /* a pattern may look at each byte once for each byte: 134 million looks, 0.1 s */
    PATTERN_US_MAX = 50 * 1000          /* for all places of all texts of one document */
};

enum pattern_status { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_RAN_OUT };

struct plan_pattern;

/* NULL with a reason in err. Freed with the arena. */
struct plan_pattern *pattern_new(struct arena *a, struct slice text, char err[static ERR_MAX]);

struct pattern_budget { /* of one document; begins as all zero */
    uint64_t deadline_us;
    unsigned places; /* where a match was tried from, in all texts */
};

/* Does it match somewhere in the text? One that runs out of its limits is logged the first time. */
enum pattern_status pattern_match(struct plan_pattern *p, struct slice text, struct pattern_budget *budget);
#endif
