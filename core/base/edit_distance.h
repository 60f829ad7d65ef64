#ifndef BASE_EDIT_DISTANCE_H
#define BASE_EDIT_DISTANCE_H
/* How far a name is from another, for "did you mean". */
#include "base/slice.h"

enum { EDIT_DISTANCE_BYTES_MAX = 64 }; /* longer ones are as far as that from everything */

/* Mistakes between two texts: a byte that is wrong, missing or too many, and two that changed places, are one each (optimal
 * string alignment). */
unsigned edit_distance(struct slice a, struct slice b);
#endif
