#ifndef PLAN_CHECK_INTERNAL_H
#define PLAN_CHECK_INTERNAL_H
/* One run of plan_check: what its files share. It walks plan and document together and appends each value to the new
 * document as it goes; what is written after the first error is never seen by anybody. */
#include "plan/check.h"
#include "plan/pattern.h"

struct place {              /* on the stack of the container that is being checked */
    const struct place *up; /* NULL: the container is the root */
    struct slice key;
    uint32_t index;
    bool is_index;
};

struct check {
    const struct json_node *in;
    enum plan_source source;
    const char *root;
    const struct place *place; /* of the value that is being checked; NULL: the root */
    struct arena *arena;
    struct plan_errors *errs;
    unsigned failed;
    uint32_t filled_in; /* nodes of defaults */
    struct pattern_budget patterns;
    bool stopped;          /* the list of errors is full: nothing more is learned by going on */
    struct json_node *out; /* in the arena; moves when it grows: keep indexes */
    uint32_t n, cap;
};

void check_grow(struct check *c, uint32_t more);

/* A new node at the end; what is not set by the caller is not set. */
static inline struct json_node *check_push(struct check *c)
{
    if (c->n == c->cap)
        check_grow(c, 1);
    return &c->out[c->n++];
}

static inline void check_push_scalar(struct check *c, const struct json_node *v)
{
    struct json_node *node = check_push(c);
    *node = *v;
    node->next = c->n;
}

/* check.c: the value at `at` of the input, and the value at `at` of any document, as it is. */
void check_value(struct check *c, const struct plan_node *node, uint32_t at);
void check_copy(struct check *c, const struct json_node *nodes, uint32_t at);

/* check_scalar.c, check_string.c: v has been read from text where the source is text. */
void check_boolean(struct check *c, const struct plan_node *node, const struct json_node *v);
void check_integer(struct check *c, const struct plan_node *node, const struct json_node *v);
void check_number(struct check *c, const struct plan_node *node, const struct json_node *v);
void check_literal(struct check *c, const struct plan_node *node, const struct json_node *v);
void check_string(struct check *c, const struct plan_node *node, const struct json_node *v);

/* check_container.c */
void check_array(struct check *c, const struct plan_node *node, uint32_t at);
void check_object(struct check *c, const struct plan_node *node, uint32_t at);
void check_map(struct check *c, const struct plan_node *node, uint32_t at);
void check_union(struct check *c, const struct plan_node *node, uint32_t at);

/* check_text.c: v is a string of a text source. *read becomes the value that the plan declares, or stays a string when it
 * is none. False: it is not even text; that was reported. */
bool check_text_read(struct check *c, const struct plan_node *node, const struct json_node *v, struct json_node *read);
bool check_text_is_absent(const struct plan_field *field, const struct json_node *v);

/* check_unique.c: the index (0..) of the first item that an earlier one is equal to, or the array's count. */
uint32_t check_find_repeat(struct arena *arena, const struct json_node *nodes, uint32_t array);

/* check_errors.c: the value at c->place is wrong. A message of the user's own goes before ours, which is a sentence that
 * ends with the limit; `instead` is said when the limit is too long for that. */
void check_fail(struct check *c, const struct plan_node *node, const char *code, const char *message);
void check_fail_limit(struct check *c, const struct plan_node *node, const char *code, const char *before,
                      struct slice limit, const char *instead);
void check_fail_int(struct check *c, const struct plan_node *node, const char *code, const char *before, int64_t limit);
void check_fail_double(struct check *c, const struct plan_node *node, const char *code, const char *before, double limit);
/* "must have at least 3 items": the unit gets an s where there is not one. */
void check_fail_count(struct check *c, const struct plan_node *node, const char *code, const char *before, int64_t limit,
                      const char *unit);
#endif
