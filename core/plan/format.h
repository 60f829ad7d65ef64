#ifndef PLAN_FORMAT_H
#define PLAN_FORMAT_H
/* The formats of text that a schema can ask for. Each looks at the whole slice; none trims, none looks at a locale. */
#include "base/slice.h"
#include <stdint.h>

/* 8-4-4-4-12 hexadecimal digits of either case, RFC 9562 section 4, any version. */
bool format_is_uuid(struct slice s, bool *has_capitals);
/* What HTML's <input type=email> takes (WHATWG, "valid email address"): one address, no comments, no quotes, no IDN. */
bool format_is_email(struct slice s);
/* scheme://[user@]host[:port][/path][?query][#fragment] by RFC 3986 with one of the schemes; the host is a DNS name of at
 * most 253 bytes, an IPv4 address of four decimal numbers or an IPv6 address in brackets. ASCII only: a name or path in
 * another script comes as punycode and %XX. */
bool format_is_url(struct slice s, const struct slice *schemes, uint32_t n_schemes);
/* RFC 3339 full-date: a day that the calendar has, years 0001 to 9999 (Postgres has no year 0). */
bool format_is_date(struct slice s);
/* RFC 3339 date-time: the offset must be there. A second 60 only at 23:59:60 UTC. At most 18 digits of a second. */
bool format_is_datetime(struct slice s);
/* [-]digits[.digits] without needless zeros in front: how many digits stand before and after the point ("0" has none
 * before it). False: it is no such text. */
bool format_read_decimal(struct slice s, size_t *whole, size_t *fraction);
#endif
