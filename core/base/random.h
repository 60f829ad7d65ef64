#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
/* Random bytes from the kernel, drawn a page at a time. Must not be used before fork(): the page would be drawn twice
 * (random_forget() after a fork makes it safe). */
#include "base/uuid.h"
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t n); /* aborts when the kernel has none */
void random_forget(void);               /* drops the page; a child calls it first thing */
uint64_t random_u64(void);
void random_uuid(char out[static UUID_TEXT]); /* version 4, lower case, no NUL */
/* The same for what tells things apart and keeps no secret: who has seen some can guess the next. */
void random_label(char out[static UUID_TEXT]);
#endif
