#ifndef AUTH_KEY_H
#define AUTH_KEY_H
/* A key that checks signatures, with the one algorithm that it is for. What a token says of its own algorithm chooses no
 * key and no way of checking: it must be the key's. */
#include "base/error.h"
#include "base/slice.h"
#include <stdbool.h>

enum key_alg { KEY_HS256, KEY_HS384, KEY_HS512, KEY_RS256, KEY_ES256, KEY_ALG_COUNT };

enum {
    KEY_ID_MAX = 128,
    KEY_SECRET_MAX = 1024,
    /* RFC 7518 3.3 asks for 2048 at least; a key of 8192 takes 15 times as long, and strangers say how often. */
    KEY_RSA_BITS_MIN = 2048,
    KEY_RSA_BITS_MAX = 8192,
};

struct evp_pkey_st;
struct evp_mac_ctx_st;

struct key {
    enum key_alg alg;
    size_t id_n;
    char id[KEY_ID_MAX + 1]; /* the `kid` of its tokens; id_n 0: tokens without one only */
    unsigned char *secret;   /* owned; of the HS algorithms, with a NUL after it */
    size_t secret_n;
    struct evp_mac_ctx_st *mac;  /* owned; has the secret already, which is most of the work */
    struct evp_pkey_st *public_; /* owned; of the others */
};

/* "HS256" as it stands in a header, case and all (RFC 7515 4.1.1). */
bool key_alg_named(struct slice name, enum key_alg *out) __attribute__((warn_unused_result));
const char *key_alg_name(enum key_alg alg);

/* A shared secret. RFC 7518 3.2: at least as long as the hash. -1 with a reason, in which the secret does not stand. */
int key_set_secret(struct key *k, enum key_alg alg, struct slice id, struct slice secret, char err[static ERR_MAX])
    __attribute__((warn_unused_result));
/* Takes the public key when it is one for the algorithm: RSA of a size that holds, or P-256. -1: it is freed. */
int key_set_public(struct key *k, enum key_alg alg, struct slice id, struct evp_pkey_st *taken, char err[static ERR_MAX])
    __attribute__((warn_unused_result));
void key_deinit(struct key *k); /* wipes a secret */

/* Constant time in the secret. */
bool key_verify(const struct key *k, struct slice input, struct slice signature) __attribute__((warn_unused_result));
#endif
