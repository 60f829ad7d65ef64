#include "base/mem.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { KEPT_BYTES = 8 << 20, STEP_BYTES = 256 << 10, LARGE_BYTES = 1 << 20, SMALL_BYTES = 1024 };

/* By default glibc returns the top of the heap to the kernel as soon as 128 KiB of it are free, which one answer of some
 * size does, and the next answer pays for fresh pages. */
void mem_keep(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, STEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

/* No stdio buffer and no allocation here: there is no memory to be had. */
static void __attribute__((noreturn)) out_of_memory(size_t n)
{
    char text[64];
    int len = snprintf(text, sizeof text, "neap: out of memory (%zu bytes wanted)\n", n);
    ssize_t written = write(STDERR_FILENO, text, len > 0 ? (size_t)len : 0);
    (void)written;
    abort();
}

void *mem_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (p == NULL)
        out_of_memory(n);
    return p;
}

/* calloc of glibc 2.36 takes nothing from the thread's cache of free blocks: that costs more than clearing a small one. Of
 * large ones it knows which pages the kernel has cleared. */
void *mem_zalloc(size_t n)
{
    if (n > 0 && n <= SMALL_BYTES)
        return memset(mem_alloc(n), 0, n);

    void *p = calloc(1, n ? n : 1);
    if (p == NULL)
        out_of_memory(n);
    return p;
}

void *mem_realloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (q == NULL)
        out_of_memory(n);
    return q;
}

char *mem_dup(const char *p, size_t n)
{
    if (n == SIZE_MAX)
        out_of_memory(n);
    char *q = mem_alloc(n + 1);
    if (n > 0)
        memcpy(q, p, n);
    q[n] = '\0';
    return q;
}
