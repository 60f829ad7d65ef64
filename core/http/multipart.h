#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H
/* multipart/form-data by RFC 7578 (framing by RFC 2046 5.1), as the bytes come. Strict where two readers could differ: no
 * bare LF, no folded lines, one Content-Disposition with one name, no transfer encodings. */
#include "base/slice.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70,         /* RFC 2046 5.1.1 */
    MULTIPART_HEAD_BYTES_MAX = 4 * 1024, /* the header lines of one part: a name, a filename, a type, and room */
    MULTIPART_NAME_BYTES_MAX = 256,
    MULTIPART_FILENAME_BYTES_MAX = 1024, /* file systems end at 255 characters of up to 4 bytes */
    MULTIPART_TYPE_BYTES_MAX = 256,
};

struct multipart_part { /* views that live during the callback */
    struct slice name;
    struct slice filename;     /* without folders; is_file only */
    struct slice content_type; /* "" when the part does not say */
    bool is_file;              /* it has a filename, if only an empty one */
};

struct multipart_sink {
    /* Each false ends the reading with MULTIPART_STOPPED. The data of a part comes in pieces after it. */
    bool (*part)(void *arg, const struct multipart_part *part);
    bool (*data)(void *arg, const char *p, size_t n);
    void *arg;
};

enum multipart_status {
    MULTIPART_OK = 0, /* more to come */
    MULTIPART_DONE,   /* the closing delimiter was there; what follows is not looked at */
    MULTIPART_BAD,    /* 400; `why` says what */
    MULTIPART_STOPPED,
};

struct multipart {
    struct multipart_sink sink;
    const char *why;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CR LF - - boundary */
    unsigned delimiter_n;
    unsigned matched; /* of the delimiter, held back until it is known to be data */
    unsigned state;
    unsigned head_n;
    char head[MULTIPART_HEAD_BYTES_MAX];
};

/* Whether a Content-Type is multipart/form-data; then *boundary is its parameter, until the next call; n 0 when it is
 * missing or not one. */
bool multipart_is_form(struct slice content_type, struct slice *boundary);
void multipart_init(struct multipart *m, struct slice boundary, const struct multipart_sink *sink);
/* After BAD, STOPPED or DONE it stays so. */
enum multipart_status multipart_read(struct multipart *m, const char *p, size_t n) __attribute__((warn_unused_result));

/* multipart_head.c: the header lines of a part, each with its CRLF. NULL, or what is wrong. */
const char *multipart_head_read(const char *lines, size_t n, struct multipart_part *part)
    __attribute__((warn_unused_result));
/* The value of a parameter of a header's value ("; name=value"), unquoted into room, which has max bytes. 1: there; 0: not;
 * -1: malformed, twice, or too long. */
int multipart_param(struct slice value, struct slice name, char *room, size_t max, struct slice *out)
    __attribute__((warn_unused_result));
#endif
