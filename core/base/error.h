#ifndef BASE_ERROR_H
#define BASE_ERROR_H
/* A message for a person, for the calls that can fail in ways a caller can only report. */
enum { ERR_MAX = 1024 };
/* Formats into err and returns -1, so that a caller can `return fail(err, "...")`. */
int fail(char err[static ERR_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
