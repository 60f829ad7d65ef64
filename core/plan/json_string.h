#ifndef PLAN_JSON_STRING_H
#define PLAN_JSON_STRING_H
/* The strings of json_read.c. */
#include "plan/json.h"

/* *at stands behind the opening quote; on success behind the closing one, and *out is the string: in the input, or in the
 * arena where it had escapes. On failure *at is where it went wrong and *message says what. nul: \u0000 is fine. */
enum json_status json_string_read(const char **at, const char *end, bool nul, struct arena *arena, struct slice *out,
                                  const char **message) __attribute__((warn_unused_result));
#endif
