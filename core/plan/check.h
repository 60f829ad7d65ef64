#ifndef PLAN_CHECK_H
#define PLAN_CHECK_H
/* Holds a document against a plan: what comes out is coerced, trimmed, completed by defaults, and free of what was not
 * declared; or all that is wrong with it, each with its place. */
#include "plan/plan.h"

enum plan_source {
    PLAN_JSON, /* JSON's own types count */
    /* Params, query, headers, cookies, forms: scalars are strings and are read as what the plan declares; one value where
     * an array is declared is an array of one; "" of an optional field that is no string is absent. */
    PLAN_TEXT
};

enum {
    PLAN_ERRORS_MAX = 64,
    PLAN_FIELD_BYTES_MAX = 256,
    /* Defaults make documents grow: a body of 1 MiB can hold 350,000 times {}, each of which may become twenty nodes of 32
     * bytes, 220 MiB together. So many nodes in all, 8 MiB, are filled in for one document; then the error is too_many. */
    PLAN_DEFAULT_NODES_MAX = 256 * 1024
};

struct plan_error {
    struct slice field;   /* "body.items[3].title", in the arena */
    const char *code;     /* "too_long" */
    struct slice message; /* "must be at most 500 characters", in the arena, or the user's own */
    struct slice limit;   /* JSON: 500, "a-z", ["low","high"]; n 0: none */
};

struct plan_errors {
    struct plan_error list[PLAN_ERRORS_MAX];
    unsigned n;
    bool more; /* there were more than the list holds */
};

/* Checks the value at node `at` of `in`. root names the place in errors ("body", "query"). 0: *out is the checked
 * document, in the arena (strings may still point into the input, keys of defaults into the plan); otherwise the number of
 * errors, appended to errs while there is room. After the 65th the rest is not looked at. */
unsigned plan_check(const struct plan *p, const struct json_doc *in, uint32_t at, enum plan_source source, const char *root,
                    struct arena *arena, struct json_doc *out, struct plan_errors *errs) __attribute__((warn_unused_result));

/* field, message and limit are copied. */
void plan_error_add(struct plan_errors *errs, struct arena *arena, struct slice field, const char *code,
                    struct slice message, struct slice limit);
/* [{"field":...,"code":...,"message":...,"limit":...},...] */
void plan_errors_write(const struct plan_errors *errs, struct buf *out);
#endif
