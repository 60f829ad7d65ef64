#ifndef PG_RESULT_BINARY_TIME_H
#define PG_RESULT_BINARY_TIME_H
/* Times as Postgres keeps them, in days or microseconds since 2000-01-01, of which the ends of the range, that stand for
 * infinity, are somebody else's business. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BINARY_TIME_MAX = 48 };

/* As the server writes them with DateStyle ISO and TimeZone UTC: "0044-03-15 12:00:00.5+00 BC". Bytes written, no NUL. */
size_t binary_write_date(char out[static BINARY_TIME_MAX], int64_t days);
size_t binary_write_timestamp(char out[static BINARY_TIME_MAX], int64_t us, bool with_zone);
/* RFC 3339 with six digits of a second, and Z; 0 of a year that has not four digits. */
size_t binary_write_rfc3339(char out[static BINARY_TIME_MAX], int64_t us, bool with_zone);
#endif
