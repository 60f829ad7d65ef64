#ifndef BASE_SLICE_H
#define BASE_SLICE_H
/* A view of bytes that somebody else owns. Never freed, never NUL-terminated by promise. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *p; /* borrowed */
    size_t n;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})

static inline struct slice slice_of(const char *p, size_t n)
{
    return (struct slice){p, n};
}

static inline struct slice slice_str(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII only: header names, tokens. */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

/* Writes s.n bytes. ASCII only: other scripts have no lower case that all languages agree on. */
static inline void slice_lower(char *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
}

/* Takes the next word off `rest`, words being what stands between spaces. False: there is none. */
static inline bool slice_word(struct slice *rest, struct slice *word)
{
    while (rest->n > 0 && *rest->p == ' ')
        rest->p++, rest->n--;
    const char *space = rest->n > 0 ? (const char *)memchr(rest->p, ' ', rest->n) : NULL;
    *word = slice_of(rest->p, space != NULL ? (size_t)(space - rest->p) : rest->n);
    rest->p += word->n, rest->n -= word->n;
    return word->n > 0;
}
#endif
