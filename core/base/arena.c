#include "base/arena.h"
#include "base/mem.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next; /* owned */
    size_t used, cap;         /* of data */
    _Alignas(max_align_t) char data[];
};

struct arena_defer {
    struct arena_defer *next; /* in the same arena */
    void (*fn)(void *arg);
    void *arg;
};

enum {
    ALIGN = _Alignof(max_align_t),
    BLOCK_MIN = 4096 - (int)sizeof(struct arena_block), /* a page each with its header */
    BLOCK_MAX = 64 * 1024,                              /* later blocks of a hungry request double up to here */
};

static struct arena_block *block_new(size_t cap)
{
    struct arena_block *b = mem_alloc(sizeof *b + cap);
    b->used = 0;
    b->cap = cap;
    return b;
}

/* What does not fit in half a block gets a block of its own behind the current one, whose room stays in use. */
static void *alloc_block(struct arena *a, size_t n)
{
    struct arena_block *head = a->blocks;
    size_t cap = head == NULL ? BLOCK_MIN : head->cap * 2;
    if (cap > BLOCK_MAX)
        cap = BLOCK_MAX;

    bool own = n > cap / 2;
    struct arena_block *b = block_new(own ? n : cap);
    b->used = n;
    if (own && head != NULL) {
        b->next = head->next;
        head->next = b;
    } else {
        b->next = head;
        a->blocks = b;
    }
    return b->data;
}

void *arena_alloc(struct arena *a, size_t n)
{
    assert(n <= SIZE_MAX / 2);
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct arena_block *b = a->blocks;
    if (b == NULL || b->cap - b->used < n)
        return alloc_block(a, n);
    void *p = b->data + b->used;
    b->used += n;
    return p;
}

char *arena_dup(struct arena *a, const char *p, size_t n)
{
    char *q = arena_alloc(a, n + 1);
    if (n > 0)
        memcpy(q, p, n);
    q[n] = '\0';
    return q;
}

void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_defer *d = arena_alloc(a, sizeof *d);
    *d = (struct arena_defer){a->defers, fn, arg};
    a->defers = d;
}

/* A deferred call may still allocate and defer: what it adds runs too. */
static void run_defers(struct arena *a)
{
    while (a->defers != NULL) {
        struct arena_defer *d = a->defers;
        a->defers = d->next;
        d->fn(d->arg);
    }
}

static void drop_blocks(struct arena *a, struct arena_block *keep)
{
    struct arena_block *next;
    for (struct arena_block *b = a->blocks; b != NULL; b = next) {
        next = b->next;
        if (b != keep)
            free(b);
    }
    a->blocks = keep;
}

void arena_reset(struct arena *a)
{
    run_defers(a);
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->blocks; b != NULL; b = b->next)
        if (b->cap == BLOCK_MIN)
            keep = b;
    drop_blocks(a, keep);
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
}

void arena_free(struct arena *a)
{
    run_defers(a);
    drop_blocks(a, NULL);
}
