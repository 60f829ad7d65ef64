#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/* Time. Monotonic for deadlines and durations, wall for what people read. */
#include "base/slice.h"
#include <stdint.h>

uint64_t clock_monotonic_us(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01T00:00:00Z */

enum { CLOCK_RFC3339_BYTES = 27, CLOCK_HTTP_DATE_BYTES = 29 };
/* "2026-11-20T18:36:00.123456Z" */
void clock_write_rfc3339(char out[static CLOCK_RFC3339_BYTES], int64_t wall_us);
/* IMF-fixdate, RFC 9110 5.6.7: "Fri, 20 Nov 2026 18:36:00 GMT". Made once a second and kept. */
struct slice clock_http_date(void);
#endif
