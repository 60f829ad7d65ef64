#ifndef AUTH_JWKS_FETCH_H
#define AUTH_JWKS_FETCH_H
/* Gets a JWKS document by HTTP. Blocks, for JWKS_FETCH_S at most: for the thread pool. */
#include "base/buf.h"
#include "base/error.h"

enum { JWKS_FETCH_S = 5 };

/* Appends the document. -1 with a reason: no https (plain http is taken from this machine only), not there in time, a status
 * that is not 200, larger than JWKS_BYTES_MAX. No redirect is followed: a key comes from where the configuration says. */
int jwks_fetch(const char *url, struct buf *out, char err[static ERR_MAX]) __attribute__((warn_unused_result));
#endif
