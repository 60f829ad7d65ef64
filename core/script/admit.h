#ifndef SCRIPT_ADMIT_H
#define SCRIPT_ADMIT_H
/* http_app.admit of a worker: everything between a stranger and a handler, in C, before the body is read and before Lua
 * has seen the request. The checks run in this order, each may answer:
 *
 *     who calls (401) -> may this role and these scopes call here (403) */
#include <stdbool.h>

struct request;

bool admit_request(struct request *req, void *arg);
#endif
