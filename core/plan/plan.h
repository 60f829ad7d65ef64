#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H
/* A schema, compiled: a tree of nodes that checks a value and knows how it is written. Made once when the application
 * loads, then only read; all of it lives in the plan's arena.
 *
 * Made so: plan_new(), plan_node_new() for each node, its fields filled in place, plan_finish() at the end, which compiles
 * patterns, builds the lookup tables of objects and unions, and says what is wrong with the declaration. */
#include "base/arena.h"
#include "base/error.h"
#include "plan/json.h"

enum plan_kind {
    PLAN_ANY,
    PLAN_BOOLEAN,
    PLAN_INTEGER,
    PLAN_NUMBER,
    PLAN_DECIMAL,
    PLAN_STRING,
    PLAN_UUID,
    PLAN_EMAIL,
    PLAN_URL,
    PLAN_DATE,
    PLAN_DATETIME,
    PLAN_ENUM,
    PLAN_LITERAL,
    PLAN_ARRAY,
    PLAN_OBJECT,
    PLAN_MAP,
    PLAN_UNION,
    PLAN_FILE,
    PLAN_KIND_COUNT
};
extern const char *const plan_kind_names[PLAN_KIND_COUNT]; /* "any", "boolean", ... */

enum plan_extra { PLAN_EXTRA_REFUSE, PLAN_EXTRA_DROP, PLAN_EXTRA_KEEP }; /* what an object does with undeclared fields */

/* A declaration nests no deeper than a document may. */
enum { PLAN_DEPTH_MAX = 64 };

struct plan_node;
struct plan_pattern; /* a compiled PCRE2 pattern */

struct plan_field { /* of an object; of a union: tag and variant */
    struct slice name;
    struct slice key; /* "\"name\":" as it is written; set by plan_finish */
    struct plan_node *node;
    uint32_t label; /* whatever the owner wants to know its keys by in checked documents; 0: nothing */
};

struct plan_lookup; /* name -> index, built by plan_finish */

struct plan_node {
    uint64_t id; /* of no other node of this process, never 0 */
    enum plan_kind kind;
    bool nullable;
    bool optional; /* as a field: may be absent */
    bool has_default;
    struct json_doc fallback; /* the default, when has_default; in the plan's arena */
    struct slice name;        /* of a named schema; n 0: none */
    struct slice message;     /* the user's own, instead of ours, whatever is wrong with the value; n 0: none */
    struct slice shown; /* what is asked for, as JSON, for errors: pattern, literal, values, tags; set by plan_finish */
    int64_t min, max;   /* code points, items, pairs, bytes; of an integer its bounds. INT64_MIN, INT64_MAX: none */
    union {
        struct {
            bool trim, lower;
            struct slice pattern_text; /* n 0: none */
            struct plan_pattern *pattern;
        } string;
        struct {
            bool exclusive_min, exclusive_max;
            int64_t multiple_of; /* 0: any */
        } integer;
        struct {
            double min, max; /* -INFINITY, INFINITY: none */
            bool exclusive_min, exclusive_max;
            double multiple_of; /* 0: any */
        } number;
        struct {
            unsigned precision, scale; /* 0, 0: any number of digits */
        } decimal;
        struct {
            struct slice *schemes; /* n_schemes 0: http and https */
            uint32_t n_schemes;
        } url;
        struct {
            struct slice *types; /* media types as "image/png"; n_types 0: any. The intake looks at them */
            uint32_t n_types;
        } file;
        struct {
            struct slice *values;
            uint32_t n;
            struct plan_lookup *lookup;
        } choice; /* of an enum */
        struct json_doc literal;
        struct {
            struct plan_node *items;
            bool unique;
        } array;
        struct {
            struct plan_field *fields; /* in the order in which they are written */
            uint32_t n;
            enum plan_extra extra;
            struct plan_lookup *lookup;
        } object;
        struct {
            struct plan_node *keys; /* a string kind; NULL: any key */
            struct plan_node *values;
        } map;
        struct {
            struct slice discriminator;
            struct plan_field *variants; /* each an object that has the discriminator as a literal field */
            uint32_t n;
            struct plan_lookup *lookup;
        } variant;
    };
};

struct plan {
    struct arena arena; /* owned */
    struct plan_node *root;
};

struct plan *plan_new(void);
void plan_free(struct plan *p);                                       /* NULL is fine */
struct plan_node *plan_node_new(struct plan *p, enum plan_kind kind); /* nothing set, no bounds */
/* 0, or -1 with a reason that names the place: "fields.title: min 5 is above max 3". */
int plan_finish(struct plan *p, struct plan_node *root, char err[static ERR_MAX]) __attribute__((warn_unused_result));
/* The index of a name, or -1. `hint` is tried first: clients send fields in one order. */
int plan_lookup_find(const struct plan_lookup *l, struct slice name, uint32_t hint);
#endif
