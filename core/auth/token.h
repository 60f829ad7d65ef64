#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H
/* Access tokens (RFC 7519): whether to believe one, and whom it names.
 *
 * The order matters: form, then the key, then the signature, then the claims. Nothing that stands in a token decides how it
 * is checked, but for `kid`, which chooses among the keys that are configured. */
#include "auth/jws.h"
#include <stdint.h>

enum {
    TOKEN_LEEWAY_S = 30, /* that two clocks may differ */
    TOKEN_SUBJECT_MAX = 255,
    TOKEN_EMAIL_MAX = 320,
    TOKEN_ROLE_MAX = 64,
    TOKEN_SCOPES_MAX = 2048,
    TOKEN_SESSION_MAX = 128,
    TOKEN_NAME_MAX = 512, /* of an issuer or an audience */
};

/* Who signs: keys, and what must stand in their tokens. */
struct issuer {
    const struct key *keys; /* borrowed, with what follows */
    size_t key_count;
    struct slice name;     /* `iss`; n 0: not looked at */
    struct slice audience; /* that `aud` must be or have; n 0: not looked at */
    bool external;         /* its subjects are not our ids */
};

/* Slices are into the token's own memory: the arena that it was read with. */
struct token {
    const struct issuer *issuer;
    struct slice subject, email, role, scopes, session; /* n 0: not there */
    uint64_t expires;
    struct json_doc claims;
};

enum token_status { TOKEN_OK = 0, TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_KEY_UNKNOWN };

/* TOKEN_EXPIRED: all else is right with it. TOKEN_KEY_UNKNOWN: its form is right, but no issuer has a key of that name. */
enum token_status token_read(struct token *out, struct slice text, const struct issuer *issuers, size_t issuer_count,
                             uint64_t now_s, struct arena *a) __attribute__((warn_unused_result));
#endif
