#ifndef AUTH_BASE64URL_H
#define AUTH_BASE64URL_H
/* RFC 7515 2: base64 of RFC 4648 5 without padding. */
#include "base/arena.h"
#include <stdbool.h>

/* Strict: nothing but the alphabet, no padding, no bits that mean nothing, so that one run of bytes has one text. out is in
 * the arena and has a NUL after it. */
bool base64url_decode(struct slice in, struct arena *a, struct slice *out) __attribute__((warn_unused_result));
#endif
