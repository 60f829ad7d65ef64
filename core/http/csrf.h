#ifndef HTTP_CSRF_H
#define HTTP_CSRF_H
/* Was a request that the browser signed in on its own, by cookie, made by a page of ours? Two signs are wanted, neither of
 * which a page of another site can give:
 *
 *     the browser's word on where the page is from: Sec-Fetch-Site: same-origin, or an Origin that is ours or may call us
 *     the page's: the header X-CSRF-Token repeats the cookie csrf_token, which only our pages can read
 *
 * Requests that carry a token of their own, as Authorization does, need neither. */
#include "base/slice.h"

struct request;

enum { CSRF_TOKEN_MIN = 16 }; /* bytes; shorter ones are nobody's secret */

/* GET, HEAD and OPTIONS change nothing (RFC 9110 9.2.1), so there is nothing to forge. */
bool csrf_concerns(const struct request *req);
/* NULL when both signs are there, or which one is missing. */
const char *csrf_fault(struct request *req);
/* The same for a route that gives cookies: who has none of ours yet has nothing that could be misused; who has no
 * csrf_token cookie yet cannot repeat it. */
const char *csrf_fault_of_guest(struct request *req);
#endif
