#ifndef AUTH_JWK_H
#define AUTH_JWK_H
/* Keys as JSON (RFC 7517) and sets of them, as issuers publish them. */
#include "auth/key.h"
#include "plan/json.h"

/* Issuers publish a handful of keys, of about 1 KiB each, or of 4 KiB with their certificates: 64 of those. */
enum { JWKS_BYTES_MAX = 256 * 1024, JWKS_KEYS_MAX = 64 };

/* The key of one object. Without "alg" an RSA key is for RS256 and one on P-256 for ES256; a secret ("oct") must say. -1
 * with a reason: it is for something else (use, key_ops), of a kind that we do not take, or wrong. */
int jwk_read(struct key *k, const struct json_doc *doc, const struct json_node *object, char err[static ERR_MAX])
    __attribute__((warn_unused_result));

struct jwks {
    struct key *keys; /* owned */
    size_t n;
};

/* The keys of a document that can check a signature; the others are passed over, and so are secrets, which do not belong in
 * a document that anybody may read. -1 with a reason: it is no such document, or has no such key. */
int jwks_read(struct jwks *set, struct slice text, char err[static ERR_MAX]) __attribute__((warn_unused_result));
void jwks_deinit(struct jwks *set);
#endif
