#ifndef SCRIPT_AUTH_AUTH_H
#define SCRIPT_AUTH_AUTH_H
/* Whom this engine believes: the keys of its configuration, and the tokens that it has found right. */
#include "auth/verified.h"
#include "http/caller.h"
#include <uv.h>

struct auth;

struct auth_opts { /* borrowed during the call; n 0 or NULL: not configured */
    enum key_alg alg;
    struct slice secret, secret_id, previous, previous_id; /* ours: the one that signs, and the one before it */
    struct slice issuer, audience;                         /* of our tokens */
    struct slice shared_secret;                            /* of another issuer, with what follows */
    struct slice jwks;                                     /* a document with its keys */
    const char *jwks_url;                                  /* or where it is */
    struct slice other_issuer, other_audience;
    size_t cache_bytes;
    bool fetch_now;
};

/* NULL with a reason. */
struct auth *auth_new(const struct auth_opts *opts, uv_loop_t *loop, char err[static ERR_MAX]);
void auth_free(struct auth *a);                           /* NULL is fine */
const struct key *auth_signing_key(const struct auth *a); /* NULL: none */

enum auth_status { AUTH_OK = 0, AUTH_EXPIRED, AUTH_INVALID, AUTH_LATER /* the issuer's keys are being fetched */ };
/* The caller is in the arena. pending: somebody must say who that is, see auth_name. */
enum auth_status auth_read(struct auth *a, struct slice token, struct arena *arena, struct caller **out)
    __attribute__((warn_unused_result));
/* The claims of a token, without looking whether it is known. */
enum auth_status auth_claims(struct auth *a, struct slice token, struct arena *arena, struct json_doc *out)
    __attribute__((warn_unused_result));
/* Who a caller with that token is here: kept as long as the token, AUTH_USER_S at most. Fills in *c too, from the arena. */
enum { AUTH_USER_S = 900 };
void auth_name(struct auth *a, struct slice token, const struct slice parts[static 4], struct arena *arena,
               struct caller *c);
#endif
