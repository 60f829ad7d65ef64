/* The JSON reader on any bytes: what it takes is written again and read to the same, what it refuses has a place and a
 * reason. */
#include "fuzz/fuzz.h"
#include <stdio.h>

static struct json_doc read_or_die(const struct buf *text, struct arena *a)
{
    struct json_doc doc;
    struct json_error err;
    if (json_read(buf_view(text), FUZZ_DEPTH_MAX, a, &doc, &err) != JSON_OK) {
        fprintf(stderr, "%s at %zu of what was written\n", err.message, err.at);
        abort();
    }
    return doc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {0};
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct json_doc doc, second;
    struct json_error err;
    enum json_status rc = json_read(slice_of((const char *)data, n), FUZZ_DEPTH_MAX, &a, &doc, &err);

    FUZZ_CHECK(rc == err.status && err.at <= n);
    FUZZ_CHECK((rc == JSON_OK) == (doc.nodes != NULL) && (rc == JSON_OK) == (err.message == NULL));
    if (rc == JSON_OK) {
        FUZZ_CHECK(fuzz_write(&text, &doc, 0) == doc.n);
        second = read_or_die(&text, &a);
        FUZZ_CHECK(fuzz_write(&again, &second, 0) == second.n);
        FUZZ_CHECK(slice_eq(buf_view(&text), buf_view(&again)));
    }
    buf_free(&text);
    buf_free(&again);
    arena_free(&a);
    return 0;
}
