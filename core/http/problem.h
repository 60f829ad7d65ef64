#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H
/* Errors as RFC 9457 has them, for clients that ask for that. */
#include "base/buf.h"
#include "base/slice.h"

/* Whether Accept names application/problem+json, and not with q=0. Wildcards don't: everybody sends those. */
bool problem_is_wanted(struct slice accept);
/* {"title","status","detail","code"[,"details"]}; details is JSON or empty. */
void problem_write(struct buf *out, int status, struct slice code, struct slice message, struct slice details);
#endif
