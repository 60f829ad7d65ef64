#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H
/* The parts of one multipart form. Texts and small files are kept in memory; a file that grows goes to a temporary file,
 * which is removed when the request ends (a handler that wants it moves it away). */
#include "base/arena.h"
#include "base/buf.h"
#include "http/multipart.h"

enum {
    UPLOAD_PARTS_MAX = 128,             /* 413 */
    UPLOAD_KEPT_BYTES_MAX = 256 * 1024, /* a text that is longer: 413; a file: to the disk */
    /* Of one request together, so that many small parts are no way around the limit above. */
    UPLOAD_MEMORY_BYTES_MAX = 1024 * 1024,
};

enum upload_status {
    UPLOAD_OK = 0,
    UPLOAD_BAD,       /* 400 */
    UPLOAD_TOO_LARGE, /* 413 */
    UPLOAD_FAILED,    /* 503: the disk did not take it */
};

struct upload_part {
    struct slice name, filename, content_type; /* in the arena */
    bool is_file;
    size_t n;        /* bytes */
    struct buf data; /* owned; empty once there is a path */
    char *path;      /* in the arena; NULL: in memory */
};

struct upload {
    unsigned n;
    struct upload_part parts[UPLOAD_PARTS_MAX];
    const char *why; /* of what is not UPLOAD_OK */

    struct arena *arena; /* of the request */
    struct multipart parser;
    enum upload_status status;
    size_t memory; /* bytes in the parts' data */
    int fd;        /* of the part that is being written; -1 */
};

/* Freed by the arena's end, with its files. */
struct upload *upload_new(struct arena *a, struct slice boundary) __attribute__((returns_nonnull));
/* last: nothing comes after these. */
enum upload_status upload_read(struct upload *u, struct slice bytes, bool last) __attribute__((warn_unused_result));
#endif
