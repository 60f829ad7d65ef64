#ifndef SCRIPT_RUNTIME_HEAP_H
#define SCRIPT_RUNTIME_HEAP_H
/* Where an engine's Lua has its small objects: one region of address space, cut into cells of a few sizes, whose free ones
 * wait in a list for each size. Lua says how large a block is when it gives it back, so a cell needs no header, and both
 * ways cost a handful of instructions where malloc and free cost some hundred. Larger blocks, and those for which the
 * region has no room left, are malloc's. The region goes as a whole, with its engine. */
#include <stddef.h>

enum {
    HEAP_GRAIN = 16, /* cells are multiples of it, up to HEAP_CELL_MAX */
    HEAP_CELL_MAX = 1024,
    HEAP_SIZES = HEAP_CELL_MAX / HEAP_GRAIN,
    HEAP_REGION_BYTES = 32 << 20, /* of addresses: memory is taken as it is touched, and kept */
};

struct heap {
    char *region, *at, *end; /* NULL: there is none, all is malloc's */
    void *free[HEAP_SIZES];
};

void heap_open(struct heap *h);
void heap_close(struct heap *h); /* after the last block was given back, or is of no more use */
/* As lua_Alloc: old is what the block has, n what is wanted, 0 to give it back. NULL: there is no memory, p is as before. */
void *heap_realloc(struct heap *h, void *p, size_t old, size_t n);
#endif
