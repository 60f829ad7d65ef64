#ifndef HTTP_HEAD_SCAN_H
#define HTTP_HEAD_SCAN_H
/* Private to head_scan, which is three files: head.c reads the lines, head_target.c the target and hosts, head_fields.c
 * what the headers mean for the message. A scan stands at the next byte; each part moves it on or says what is wrong. */
#include "http/head.h"

enum { CHAR_TOKEN = 1, CHAR_TARGET = 2, CHAR_HEX = 4, CHAR_HOST = 8 };
extern const uint8_t head_char_classes[256];

enum { SAYS_CLOSE = 1, SAYS_KEEP_ALIVE = 2 };

struct scan {
    struct head *h;
    const char *base, *at, *end;
    bool cut; /* end is the limit of a head, not the end of what came */
    const struct limits *limits;
    const char **why;
    struct span authority; /* of a target that is a whole URL */
    unsigned says;         /* what the Connection headers said so far */
};

static inline bool is(char c, unsigned class)
{
    return (head_char_classes[(unsigned char)c] & class) != 0;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline enum head_status refuse(struct scan *s, enum head_status status, const char *why)
{
    *s->why = why;
    return status;
}

static inline enum head_status bad(struct scan *s, const char *why)
{
    return refuse(s, HEAD_BAD, why);
}

static inline enum head_status ran_out(struct scan *s)
{
    return s->cut ? refuse(s, HEAD_TOO_LARGE, "the headers are too large") : HEAD_PARTIAL;
}

static inline struct span span_of(const struct scan *s, const char *from, const char *to)
{
    return (struct span){(uint16_t)(from - s->base), (uint16_t)(to - from)};
}

/* head_target.c */
enum head_status scan_target(struct scan *s) __attribute__((warn_unused_result));
bool head_is_authority(const char *p, const char *end);

/* head_fields.c: one of the headers that have an id; then all of them together. */
enum head_status scan_known(struct scan *s, enum header_id id, const char *p, const char *end)
    __attribute__((warn_unused_result));
enum head_status scan_judge(struct scan *s) __attribute__((warn_unused_result));
#endif
