#include "script/runtime/heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* AddressSanitizer sees only what malloc gives: there every object is a block of its own. */
#if defined(__SANITIZE_ADDRESS__)
enum { HEAP_HAS_REGION = false };
#elif defined(__has_feature)
enum { HEAP_HAS_REGION = !__has_feature(address_sanitizer) };
#else
enum { HEAP_HAS_REGION = true };
#endif

void heap_open(struct heap *h)
{
    *h = (struct heap){0};
    if (!HEAP_HAS_REGION)
        return;
    void *p = mmap(NULL, HEAP_REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return;
    (void)madvise(p, HEAP_REGION_BYTES, MADV_NOHUGEPAGE); /* an idle worker would hold 2 MiB for each touch */
    h->region = h->at = p;
    h->end = h->at + HEAP_REGION_BYTES;
}

void heap_close(struct heap *h)
{
    if (h->region != NULL)
        munmap(h->region, HEAP_REGION_BYTES);
    *h = (struct heap){0};
}

static size_t size_index(size_t n)
{
    return (n - 1) / HEAP_GRAIN;
}

static bool is_cell(const struct heap *h, const void *p)
{
    return (const char *)p >= h->region && (const char *)p < h->end;
}

static void *take(struct heap *h, size_t n)
{
    size_t i = size_index(n), bytes = (i + 1) * HEAP_GRAIN;
    void *p = h->free[i];
    if (p != NULL) {
        memcpy(&h->free[i], p, sizeof p);
        return p;
    }
    if ((size_t)(h->end - h->at) < bytes)
        return malloc(n);
    p = h->at;
    h->at += bytes;
    return p;
}

static void give(struct heap *h, void *p, size_t n)
{
    void **first = &h->free[size_index(n)];
    memcpy(p, first, sizeof *first);
    *first = p;
}

static void *move(struct heap *h, void *p, size_t old, size_t n)
{
    void *q = n <= HEAP_CELL_MAX ? take(h, n) : malloc(n);
    if (q == NULL)
        return NULL;
    memcpy(q, p, old < n ? old : n);
    if (is_cell(h, p))
        give(h, p, old);
    else
        free(p);
    return q;
}

void *heap_realloc(struct heap *h, void *p, size_t old, size_t n)
{
    if (p == NULL)
        return n == 0 ? NULL : n <= HEAP_CELL_MAX ? take(h, n) : malloc(n);
    if (n == 0) {
        if (is_cell(h, p))
            give(h, p, old);
        else
            free(p);
        return NULL;
    }
    if (is_cell(h, p))
        return n <= HEAP_CELL_MAX && size_index(n) == size_index(old) ? p : move(h, p, old, n);
    return n <= HEAP_CELL_MAX && h->region != NULL ? move(h, p, old, n) : realloc(p, n);
}
