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
/* The same where a developer's machine signs in whoever asks (--as): a page of another site can ask, too, and so can one
 * whose name was turned to this machine after it was loaded (DNS rebinding), which its browser takes for one of ours. So
 * the Host is to be localhost, an address or `own_host` (may be NULL), and no browser may say that a change comes from
 * elsewhere. Programs that say nothing of where they are from are let through. */
const char *csrf_fault_of_assumed(struct request *req, const char *own_host);
#endif
