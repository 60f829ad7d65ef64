#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H
/* Where a request comes from, past the proxies that we trust. Each proxy appends whom it heard the request from, so the
 * list is read from its end for as long as those who wrote it are trusted; what stands before that is the client's word.
 *
 * One header counts, the one that the proxies are known to write: a proxy that knows nothing of the other passes on
 * whatever the client put there. */
#include "base/address.h"

struct request;

struct forwarded {
    struct address_set proxies; /* whose word counts */
    bool standard;              /* they write Forwarded (RFC 7239); otherwise X-Forwarded-For and X-Forwarded-Proto */
};

/* The client's address: of the connection, or what a trusted proxy says. NONE when there is none. */
const struct address *request_address(struct request *req);

/* RFC 9110 4.2: what a trusted proxy says. Unknown without one: we do not speak TLS ourselves, but who is in front may. */
enum request_scheme { SCHEME_UNKNOWN = 0, SCHEME_HTTP, SCHEME_HTTPS };
enum request_scheme request_scheme(struct request *req);
#endif
