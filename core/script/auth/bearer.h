#ifndef SCRIPT_AUTH_BEARER_H
#define SCRIPT_AUTH_BEARER_H
/* Where a request has its access token: RFC 6750 2.1, or the cookie access_token. The header wins. */
#include "base/slice.h"
#include <stdbool.h>

struct request;

enum bearer_status {
    BEARER_NONE,
    BEARER_FOUND,
    BEARER_WRONG /* Bearer, and no token */
};

enum bearer_status bearer_find(const struct request *req, struct slice *token, bool *by_cookie);
#endif
