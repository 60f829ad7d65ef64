#include "auth/libjwt.h"

#include "auth/jws.h"
#include <jwt.h>
#include <string.h>

static const jwt_alg_t algs[] = {[KEY_HS256] = JWT_ALG_HS256, [KEY_HS384] = JWT_ALG_HS384, [KEY_HS512] = JWT_ALG_HS512};

bool libjwt_agrees(const struct key *key, struct slice token)
{
    char text[JWS_BYTES_MAX + 1];
    jwt_t *jwt = NULL;
    if (key->secret == NULL)
        return true;
    if (token.n >= sizeof text || memchr(token.p, 0, token.n) != NULL)
        return false;
    memcpy(text, token.p, token.n);
    text[token.n] = 0;
    /* Never without a key: it would check nothing. And it believes the token's own alg: so that must be the key's. */
    bool agrees = jwt_decode(&jwt, text, key->secret, (int)key->secret_n) == 0 && jwt_get_alg(jwt) == algs[key->alg];
    jwt_free(jwt);
    return agrees;
}

static int fill(jwt_t *jwt, const struct key *key, const char *claims)
{
    if (jwt_add_grants_json(jwt, claims) != 0)
        return -1;
    if (key->id_n > 0 && jwt_add_header(jwt, "kid", key->id) != 0)
        return -1;
    return jwt_set_alg(jwt, algs[key->alg], key->secret, (int)key->secret_n);
}

char *libjwt_sign(const struct key *key, const char *claims, char err[static ERR_MAX])
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    if (key->secret == NULL)
        fail(err, "only a key with a secret signs");
    else if (jwt_new(&jwt) != 0 || fill(jwt, key, claims) != 0 || (text = jwt_encode_str(jwt)) == NULL)
        fail(err, "libjwt does not take these claims");
    jwt_free(jwt);
    return text;
}
