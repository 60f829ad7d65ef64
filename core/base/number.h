#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H
/* Numbers to text and back, exactly and without locale. */
#include "base/slice.h"
#include <stdint.h>

enum { NUMBER_TEXT_MAX = 32 }; /* the longest text that the writers below make, with room to spare */

size_t number_write_u64(char out[static NUMBER_TEXT_MAX], uint64_t v); /* bytes written, no NUL */
size_t number_write_i64(char out[static NUMBER_TEXT_MAX], int64_t v);
/* The shortest decimal that reads back as the same double. "1.0" keeps its ".0", so that a float stays a float in
 * JSON; exponents as in "1e+300". v must be finite. */
size_t number_write_double(char out[static NUMBER_TEXT_MAX], double v);

enum number_status { NUMBER_OK = 0, NUMBER_BAD, NUMBER_RANGE };
/* The whole slice must be an integer: [-]digits, no blanks, no plus. */
enum number_status number_read_i64(struct slice s, int64_t *out) __attribute__((warn_unused_result));
enum number_status number_read_double(struct slice s, double *out) __attribute__((warn_unused_result));
#endif
