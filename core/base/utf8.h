#ifndef BASE_UTF8_H
#define BASE_UTF8_H
/* UTF-8 by RFC 3629: no surrogates, nothing over U+10FFFF, no overlong forms. */
#include "base/slice.h"
#include <stdint.h>

bool utf8_is_valid(struct slice s);
size_t utf8_valid_prefix(struct slice s); /* where it goes wrong; s.n when it doesn't */
/* Bytes of the character at p (1 to 4), or 0 when it isn't one. p < end. */
size_t utf8_sequence(const char *p, const char *end);
size_t utf8_length(struct slice s);                 /* code points; s must be valid */
size_t utf8_write(char out[static 4], uint32_t cp); /* bytes written; cp must be a scalar value */
#endif
