#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H
/* One complete request head, RFC 9112, scanned in one pass and judged strictly: what two parsers could read in two ways
 * is refused. Spans are offsets into the scanned bytes, so the bytes may be moved afterwards. */
#include "base/limits.h"
#include "base/slice.h"
#include <stdint.h>

/* The array of a request, of which limits.c allows 100. */
enum { HEAD_HEADERS_MAX = 128 };

enum http_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_COUNT
};
extern const struct slice http_method_names[METHOD_COUNT];

struct span {
    uint16_t at, n;
};

/* Headers that the core itself reads; the last of a name that may come once is the only one (two are HEAD_BAD for Host,
 * Content-Length, Content-Type, Authorization and Origin). */
enum header_id {
    HEADER_OTHER,
    HEADER_HOST,
    HEADER_CONNECTION,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_EXPECT,
    HEADER_CONTENT_TYPE,
    HEADER_X_REQUEST_ID,
    HEADER_AUTHORIZATION,
    HEADER_COOKIE,
    HEADER_ORIGIN,
    HEADER_ACCEPT,
    HEADER_USER_AGENT,
    HEADER_X_FORWARDED_FOR,
    HEADER_UPGRADE,
    HEADER_COUNT
};

struct header {
    struct span name, value; /* value without the blanks around it */
    enum header_id id : 8;
};

struct head {
    enum http_method method;
    struct span target, path, query; /* path without "?", still percent-encoded; query without "?" (n 0 when none) */
    bool http10;
    bool keep_alive; /* by version and Connection */
    bool chunked;
    bool expect_continue;
    bool has_length;
    uint64_t content_length;
    uint32_t bytes; /* the head's own, the blank line included */
    unsigned header_count;
    uint8_t known[HEADER_COUNT]; /* 1 + index of the header of that id, 0: absent */
    struct header headers[HEAD_HEADERS_MAX];
};

enum head_status {
    HEAD_OK = 0,
    HEAD_PARTIAL,         /* no blank line yet, and still within the limits */
    HEAD_BAD,             /* 400 bad_request, with a reason for the answer and the log */
    HEAD_TOO_LARGE,       /* 431 headers_too_large: bytes or count */
    HEAD_TARGET_TOO_LONG, /* 414 uri_too_long */
    HEAD_METHOD_UNKNOWN,  /* 501 not_implemented */
    HEAD_VERSION,         /* 505 version_not_supported: HTTP/2.0 and friends */
    HEAD_EXPECTATION,     /* 417: Expect other than 100-continue */
    HEAD_CODING,          /* 501: a transfer coding other than chunked alone */
};

/* p[0..n) starts at the first byte of a head. *scanned (0 at first) remembers how far a partial head was looked at, so
 * that a head that comes byte by byte costs linear time. `why` is set to a short literal for every status but OK and
 * PARTIAL. */
enum head_status head_scan(struct head *h, const char *p, size_t n, size_t *scanned, const struct limits *limits,
                           const char **why) __attribute__((warn_unused_result));

static inline struct slice span_slice(const char *base, struct span s)
{
    return (struct slice){base + s.at, s.n};
}
#endif
