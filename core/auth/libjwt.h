#ifndef AUTH_LIBJWT_H
#define AUTH_LIBJWT_H
/* What libjwt does for us: it writes our tokens, and reads as the second those that we hold to be right. Two readers that
 * share no code must agree before anybody is let in. It sees tokens only that have passed our own checks, so that what it
 * takes too lightly (docs/architecture.md says what) lets nothing through. */
#include "auth/key.h"

/* True for keys that libjwt is not asked about: of the public ones it takes PEM only, and reads that anew for each token
 * (460 us). */
bool libjwt_agrees(const struct key *key, struct slice token) __attribute__((warn_unused_result));

/* A signed token of `claims`, a JSON object, with "typ": "JWT" (it knows no other) and the key's id. malloc'ed text, or NULL
 * with a reason. The key is one with a secret. */
char *libjwt_sign(const struct key *key, const char *claims, char err[static ERR_MAX]) __attribute__((warn_unused_result));
#endif
