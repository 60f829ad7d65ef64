#ifndef SCRIPT_REQUEST_ADMIT_H
#define SCRIPT_REQUEST_ADMIT_H
/* http_app.admit of a worker: everything between a stranger and a handler, in C, before the body is read and before Lua
 * has seen the request. The checks run in this order, each may answer:
 *
 *     how often does this address call (429) -> who calls (401) -> did a page of another site make the
 *     browser call (403) -> may this role and these scopes call here (403)
 *     -> how often does this user call (429) */
#include <stdbool.h>

struct request;

bool admit_request(struct request *req, void *arg);
/* What keeps the caller from this route, for a 403; NULL: nothing. */
const char *admit_refusal(const struct request *req);
#endif
