#ifndef BASE_ARENA_H
#define BASE_ARENA_H
/* Memory that lives as long as one request. Small pieces are carved off blocks; everything goes at once. A first
 * block is kept over a reset so that the common request allocates nothing. */
#include "base/slice.h"

struct arena_block;
struct arena_defer;
struct arena {
    struct arena_block *blocks; /* owned, newest first */
    struct arena_defer *defers; /* newest first */
};

void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull)); /* aligned for any type, not cleared */
char *arena_dup(struct arena *a, const char *p, size_t n);                     /* adds a NUL */
/* fn(arg) runs at the reset, newest first. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);
void arena_reset(struct arena *a); /* runs the defers, keeps one small block */
void arena_free(struct arena *a);  /* runs the defers, keeps nothing */
#endif
