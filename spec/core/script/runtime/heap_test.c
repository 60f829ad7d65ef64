#include "core/script/runtime/heap.c"
#include "spec/core/test.h"
#include <stdint.h>

enum { BLOCKS = 512 };

static struct {
    unsigned char *p;
    size_t n;
} blocks[BLOCKS];

static uint32_t seed = 1;

static uint32_t some(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static bool is_filled(const unsigned char *p, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != with)
            return false;
    return true;
}

TEST("blocks of all sizes keep what is in them, whatever happens to the others")
{
    struct heap h;
    bool kept = true;

    heap_open(&h);
    for (int round = 0; round < 200000; round++) {
        uint32_t i = some(BLOCKS);
        size_t n = some(4) == 0 ? 0 : 1 + some(some(8) == 0 ? 8000 : 1200), old = blocks[i].n;
        unsigned char *p = heap_realloc(&h, blocks[i].p, old, n);
        kept = kept && is_filled(p, old < n ? old : n, (unsigned char)i);
        if (n > 0)
            memset(p, (int)(unsigned char)i, n);
        blocks[i].p = p;
        blocks[i].n = n;
    }
    CHECK(kept);
    for (int i = 0; i < BLOCKS; i++)
        heap_realloc(&h, blocks[i].p, blocks[i].n, 0);
    heap_close(&h);
}

TEST("what was given back is given out again")
{
    struct heap h;

    heap_open(&h);
    void *first = heap_realloc(&h, NULL, 0, 40);
    heap_realloc(&h, first, 40, 0);
    void *second = heap_realloc(&h, NULL, 0, 48);
    CHECK(h.region == NULL || first == second);
    heap_realloc(&h, second, 48, 0);
    heap_close(&h);
}

TEST("a region that is full is no end: malloc goes on")
{
    struct heap h;
    static unsigned char *many[HEAP_REGION_BYTES / HEAP_CELL_MAX + 8];
    size_t n = sizeof many / sizeof many[0];

    heap_open(&h);
    for (size_t i = 0; i < n; i++) {
        many[i] = heap_realloc(&h, NULL, 0, HEAP_CELL_MAX);
        *many[i] = (unsigned char)i;
    }
    CHECK(h.region == NULL || !is_cell(&h, many[n - 1]));
    many[n - 1] = heap_realloc(&h, many[n - 1], HEAP_CELL_MAX, 8);
    CHECK_INT(*many[n - 1], (unsigned char)(n - 1));
    heap_realloc(&h, many[n - 1], 8, 0);
    for (size_t i = 0; i < n - 1; i++)
        heap_realloc(&h, many[i], HEAP_CELL_MAX, 0);
    heap_close(&h);
}
