#ifndef PLAN_PATTERN_ECMA_H
#define PLAN_PATTERN_ECMA_H
/* What ECMAScript writes otherwise than PCRE2, and no option of PCRE2 changes: \s, whose blanks are Unicode's there, and the
 * long names in \p{Letter}. */
#include "base/buf.h"

/* Appends the pattern in PCRE2's words. What is wrong with it stays wrong. */
void pattern_ecma_write(struct buf *out, struct slice pattern);
#endif
