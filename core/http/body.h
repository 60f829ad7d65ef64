#ifndef HTTP_BODY_H
#define HTTP_BODY_H
/* The body after a head: by length counted here, by chunks through llhttp (which is primed with a constant head, so that
 * it sees bodies only). Chunk lines and trailers must end in CRLF; trailers are checked and dropped. */
#include "base/buf.h"
#include <llhttp.h>

enum body_status {
    BODY_OK = 0, /* more to come */
    BODY_DONE,
    BODY_BAD,       /* 400: chunk size, chunk end, bare LF, trailers too large; `why` says which */
    BODY_TOO_LARGE, /* 413 */
};

struct body_reader {
    uint64_t left; /* of a sized body */
    size_t bytes_max;
    size_t taken; /* so far; `out` may be emptied meanwhile */
    bool chunked;
    const char *why;
    struct buf *out; /* borrowed while reading */
    bool done;

    /* What follows is for a chunked body. */
    llhttp_t parser;
    const char *seen;   /* within the input of body_read: up to here the framing was checked */
    char last;          /* the framing byte before it */
    bool in_extension;  /* behind the ";" of a chunk line */
    bool in_trailers;   /* behind the last chunk's line */
    size_t line_bytes;  /* of the framing line so far */
    size_t extra_bytes; /* extensions and trailers so far */
    enum body_status failed;
};

void body_begin_sized(struct body_reader *r, uint64_t length, size_t bytes_max, struct buf *out);
void body_begin_chunked(struct body_reader *r, size_t bytes_max, struct buf *out);
/* Takes from p[0..n); *used says how much belonged to the body (the rest is the next request). */
enum body_status body_read(struct body_reader *r, const char *p, size_t n, size_t *used) __attribute__((warn_unused_result));
#endif
