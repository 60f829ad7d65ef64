#ifndef PLAN_JSON_H
#define PLAN_JSON_H
/* JSON by RFC 8259, strictly: UTF-8 checked, lone surrogates refused, no NUL in strings (\u0000 neither), duplicate keys
 * refused, depth limited, integers exact to 64 bits (one that does not fit is refused, not rounded; a number with a
 * fraction or an exponent is a double and must be finite).
 *
 * A document is a tape: one node after another in document order. An array or object node is followed by its members
 * (an object's by key, value, key, value ...) and knows the index of the node after its last. */
#include "base/arena.h"
#include "base/buf.h"
#include <stdint.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    enum json_type type;
    uint32_t next;  /* index of the node after this value */
    uint32_t count; /* members of an array, pairs of an object; of a string: where it begins in the input */
    uint32_t label; /* of a key that plan_check found: what its plan_field has; else 0 */
    union {
        int64_t i;
        double d;
        struct slice s; /* of a string or key, unescaped: into the input, or into the arena where it had escapes */
    };
};

struct json_doc {
    const struct json_node *nodes; /* owned by the arena */
    uint32_t n;
};

enum json_status {
    JSON_OK = 0,
    JSON_SYNTAX,
    JSON_DEPTH,
    JSON_UTF8,
    JSON_NUL,
    JSON_NUMBER_RANGE,
    JSON_DUPLICATE_KEY,
    JSON_EMPTY
};

struct json_error {
    enum json_status status;
    size_t at;           /* byte offset */
    const char *message; /* for a person: "unexpected end", "a string may not hold NUL" */
};

/* The whole input must be one value with blanks around it. The arena must outlive the document; so must the input. */
enum json_status json_read(struct slice in, unsigned depth_max, struct arena *arena, struct json_doc *doc,
                           struct json_error *err) __attribute__((warn_unused_result));
/* The same by RFC 8259 alone: \u0000 may stand in strings and keys, and a key may come twice (who looks by name takes the
 * last). For text that a handler asks to decode; what comes over the wire goes through json_read. */
enum json_status json_read_grammar(struct slice in, unsigned depth_max, struct arena *arena, struct json_doc *doc,
                                   struct json_error *err) __attribute__((warn_unused_result));

/* Writers append one value. json_write_string: s must be UTF-8 (what is not becomes U+FFFD); escapes ", \, controls and
 * U+2028/9 are left as they are. */
void json_write_string(struct buf *out, struct slice s);
void json_write_int(struct buf *out, int64_t v);
int json_write_double(struct buf *out, double v) __attribute__((warn_unused_result)); /* -1: not finite, nothing written */
#endif
