#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H
/* What the fuzz targets share. A target is one function that aborts when something is wrong with one input; libFuzzer calls
 * it with what it makes up (`make fuzz`), replay.c with what is kept in corpus/ and crashes/. */
#include "base/buf.h"
#include "plan/json.h"
#include <stdlib.h>

enum { FUZZ_DEPTH_MAX = 64 };

#define FUZZ_CHECK(cond) \
    do {                 \
        if (!(cond))     \
            abort();     \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The value at `at` as JSON; returns the index behind it. Aborts when the tape is not in order. */
static inline uint32_t fuzz_write(struct buf *out, const struct json_doc *doc, uint32_t at)
{
    FUZZ_CHECK(at < doc->n);
    const struct json_node *v = &doc->nodes[at];
    uint32_t next = at + 1;

    FUZZ_CHECK(v->type <= JSON_OBJECT);
    if (v->type <= JSON_TRUE)
        buf_str(out, v->type == JSON_NULL ? "null" : v->type == JSON_TRUE ? "true" : "false");
    else if (v->type == JSON_INT)
        json_write_int(out, v->i);
    else if (v->type == JSON_DOUBLE)
        FUZZ_CHECK(json_write_double(out, v->d) == 0);
    else if (v->type == JSON_STRING)
        json_write_string(out, v->s);
    for (uint32_t i = 0; v->type >= JSON_ARRAY && i < v->count; i++) {
        buf_char(out, i > 0 ? ',' : v->type == JSON_ARRAY ? '[' : '{');
        if (v->type == JSON_OBJECT) {
            FUZZ_CHECK(next < doc->n && doc->nodes[next].type == JSON_STRING);
            next = fuzz_write(out, doc, next);
            buf_char(out, ':');
        }
        next = fuzz_write(out, doc, next);
    }
    if (v->type >= JSON_ARRAY && v->count == 0)
        buf_char(out, v->type == JSON_ARRAY ? '[' : '{');
    if (v->type >= JSON_ARRAY)
        buf_char(out, v->type == JSON_ARRAY ? ']' : '}');
    FUZZ_CHECK(v->next == next);
    return next;
}
#endif
