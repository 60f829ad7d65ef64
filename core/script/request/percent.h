#ifndef SCRIPT_REQUEST_PERCENT_H
#define SCRIPT_REQUEST_PERCENT_H
/* Percent-encoding, RFC 3986 2.1; plus: "+" is a blank, as forms and queries have it (application/x-www-form-urlencoded,
 * WHATWG URL 5.1). */
#include "base/slice.h"

bool percent_is_encoded(struct slice s, bool plus);
/* Bytes written to out, which has room for s.n. A "%" that two hex digits do not follow stays as it is. */
size_t percent_decode(char *out, struct slice s, bool plus);
/* Takes the next pair off a query or form, as it is, and passes over empty ones. False: there was none. */
bool percent_next_pair(struct slice *rest, struct slice *name, struct slice *value);
#endif
