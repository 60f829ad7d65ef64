#ifndef BASE_BUF_H
#define BASE_BUF_H
/* A growing run of bytes. The memory is the buf's own; pointers into it die with the next append. */
#include "base/slice.h"
#include <stdint.h>

struct buf {
    char *p; /* owned; NULL while cap is 0 */
    size_t n, cap;
};

#define BUF_INIT ((struct buf){0})

void buf_free(struct buf *b);               /* back to BUF_INIT */
char *buf_grow(struct buf *b, size_t more); /* buf_reserve's slow half: nobody else calls it */
void buf_append(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* not on hot paths */
void buf_consume(struct buf *b, size_t n); /* drops n bytes at the front, moves the rest down */

/* Room for `more` bytes at the end, which is returned; n is unchanged. */
static inline char *buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->n >= more && b->p != NULL)
        return b->p + b->n;
    return buf_grow(b, more);
}
static inline void buf_char(struct buf *b, char c)
{
    if (b->n == b->cap)
        buf_grow(b, 1);
    b->p[b->n++] = c;
}
static inline void buf_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.p, s.n);
}
static inline void buf_str(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}
#define buf_lit(b, s) buf_append((b), (s), sizeof(s) - 1)
static inline struct slice buf_view(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}
static inline void buf_clear(struct buf *b)
{
    b->n = 0;
}
#endif
