#ifndef BASE_MEM_H
#define BASE_MEM_H
/* Allocation that does not return when there is no memory: it says so on stderr and aborts, and the supervisor
 * starts another worker. What a client can size is capped by a limit before it comes here; the Lua heap has its
 * own allocator with its own limits. */
#include <stddef.h>

/* For a process that serves: what it gives back it will want again in a moment, so some of it is kept. */
void mem_keep(void);

void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_zalloc(size_t n) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_realloc(void *p, size_t n) __attribute__((returns_nonnull, warn_unused_result));
char *mem_dup(const char *p, size_t n) __attribute__((malloc, returns_nonnull, warn_unused_result)); /* adds a NUL */
#endif
