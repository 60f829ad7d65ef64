#ifndef AUTH_JWS_H
#define AUTH_JWS_H
/* A signed text in the compact form of RFC 7515, taken apart and judged before anything in it is believed. */
#include "auth/key.h"
#include "plan/json.h"

/* Half of what all headers of a request may have. */
enum { JWS_BYTES_MAX = 8 * 1024 };

struct jws {
    struct slice input;     /* what is signed: header.payload as they came */
    struct slice payload;   /* decoded; in the arena, as all that follows */
    struct slice signature; /* decoded */
    struct slice alg;
    struct slice type;   /* n 0: the header has none */
    struct slice key_id; /* n 0: the header has none */
};

/* False for anything but three parts of strict base64url whose first is a JSON object, no key twice, with an `alg`; with a
 * `typ` and a `kid` that are strings if there are any; and without `crit` (RFC 7515 4.1.11: we understand no extension) or
 * `b64` (RFC 7797). Keys that come along (jwk, jku, x5c, x5u) are not looked at. text must outlive the jws. */
bool jws_read(struct jws *out, struct slice text, struct arena *a) __attribute__((warn_unused_result));
/* The key is for the algorithm that the header names, has the id that it names if it names one, and the signature
 * is right. */
bool jws_verify(const struct jws *jws, const struct key *key) __attribute__((warn_unused_result));
bool jws_is_for(const struct jws *jws, const struct key *key); /* all but the signature */
#endif
