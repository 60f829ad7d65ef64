#include "auth/jwk.h"

#include "auth/base64url.h"
#include "auth/member.h"
#include "base/mem.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

enum { COORDINATE_BYTES = 32, DOCUMENT_DEPTH_MAX = 8, RSA_EXPONENT_BYTES_MAX = 8, FIELD_BYTES_MAX = 4096 };

struct source { /* one object of a document */
    const struct json_doc *doc;
    const struct json_node *object;
    struct arena *arena;
};

static bool bytes_of(const struct source *s, const char *name, struct slice *out)
{
    struct slice text;
    return member_text(s->doc, s->object, name, FIELD_BYTES_MAX, &text) == MEMBER_OK &&
           base64url_decode(text, s->arena, out) && out->n > 0;
}

static bool says_verify(const struct source *s)
{
    struct slice use;
    enum member_status status = member_text(s->doc, s->object, "use", 64, &use);
    if (status == MEMBER_WRONG || (status == MEMBER_OK && !slice_eq(use, SLICE_LIT("sig"))))
        return false;
    const struct json_node *ops = member_of(s->doc, s->object, SLICE_LIT("key_ops"));
    if (ops == NULL)
        return true;
    if (ops->type != JSON_ARRAY)
        return false;
    const struct json_node *op = ops + 1;
    for (uint32_t i = 0; i < ops->count; i++, op = s->doc->nodes + op->next)
        if (op->type == JSON_STRING && slice_eq(op->s, SLICE_LIT("verify")))
            return true;
    return false;
}

static EVP_PKEY *make(const char *kind, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *read_rsa(const struct source *s)
{
    struct slice n, e;
    if (!bytes_of(s, "n", &n) || !bytes_of(s, "e", &e) || e.n > RSA_EXPONENT_BYTES_MAX)
        return NULL;
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    /* An exponent of 1 makes every text its own signature, an even one has no inverse. */
    if (modulus != NULL && exponent != NULL && build != NULL && BN_is_odd(modulus) && BN_is_odd(exponent) &&
        !BN_is_one(exponent) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = make("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

/* RFC 7518 6.2: x and y, each as long as the field. A point that is not on the curve is refused. */
static EVP_PKEY *read_p256(const struct source *s)
{
    struct slice curve, x, y;
    unsigned char point[1 + 2 * COORDINATE_BYTES] = {4};
    if (member_text(s->doc, s->object, "crv", 64, &curve) != MEMBER_OK || !slice_eq(curve, SLICE_LIT("P-256")) ||
        !bytes_of(s, "x", &x) || !bytes_of(s, "y", &y) || x.n != COORDINATE_BYTES || y.n != COORDINATE_BYTES)
        return NULL;
    memcpy(point + 1, x.p, x.n);
    memcpy(point + 1 + COORDINATE_BYTES, y.p, y.n);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (build != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = make("EC", build);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (key != NULL && (ctx == NULL || EVP_PKEY_public_check(ctx) != 1)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int read_public(struct key *k, const struct source *s, struct slice kind, enum key_alg alg, struct slice id,
                       char err[static ERR_MAX])
{
    bool rsa = slice_eq(kind, SLICE_LIT("RSA"));
    EVP_PKEY *key = rsa ? read_rsa(s) : slice_eq(kind, SLICE_LIT("EC")) ? read_p256(s) : NULL;
    if (key == NULL)
        return fail(err, "no RSA key and none on P-256");
    if (alg == KEY_ALG_COUNT)
        alg = rsa ? KEY_RS256 : KEY_ES256;
    return key_set_public(k, alg, id, key, err);
}

static int read_key(struct key *k, const struct source *s, char err[static ERR_MAX])
{
    struct slice kind, name, id, secret;
    enum key_alg alg = KEY_ALG_COUNT;
    enum member_status named = member_text(s->doc, s->object, "alg", 64, &name);
    if (member_text(s->doc, s->object, "kty", 64, &kind) != MEMBER_OK)
        return fail(err, "kty is missing");
    if (member_text(s->doc, s->object, "kid", KEY_ID_MAX, &id) == MEMBER_WRONG)
        return fail(err, "kid must be a string of at most %d bytes", KEY_ID_MAX);
    if (!says_verify(s))
        return fail(err, "it is not there to check signatures");
    if (named == MEMBER_WRONG || (named == MEMBER_OK && !key_alg_named(name, &alg)))
        return fail(err, "its algorithm is none that we take");
    if (!slice_eq(kind, SLICE_LIT("oct")))
        return read_public(k, s, kind, alg, id, err);
    if (alg == KEY_ALG_COUNT || !bytes_of(s, "k", &secret))
        return fail(err, "a secret needs alg and k");
    return key_set_secret(k, alg, id, secret, err);
}

int jwk_read(struct key *k, const struct json_doc *doc, const struct json_node *object, char err[static ERR_MAX])
{
    struct arena arena = {0};
    struct source s = {doc, object, &arena};
    *k = (struct key){0};
    int rc = read_key(k, &s, err);
    arena_free(&arena);
    return rc;
}

static void read_keys(struct jwks *set, const struct json_doc *doc, const struct json_node *list, char err[static ERR_MAX])
{
    const struct json_node *object = list + 1;
    set->keys = mem_zalloc((list->count ? list->count : 1) * sizeof *set->keys);
    for (uint32_t i = 0; i < list->count; i++, object = doc->nodes + object->next) {
        struct key *k = &set->keys[set->n];
        if (jwk_read(k, doc, object, err) != 0)
            continue;
        if (k->secret != NULL)
            key_deinit(k);
        else
            set->n++;
    }
}

int jwks_read(struct jwks *set, struct slice text, char err[static ERR_MAX])
{
    struct arena arena = {0};
    struct json_doc doc;
    struct json_error error;
    int rc = -1;
    *set = (struct jwks){0};
    if (text.n > JWKS_BYTES_MAX) {
        fail(err, "the document is larger than %d bytes", JWKS_BYTES_MAX);
        goto out;
    }
    if (json_read(text, DOCUMENT_DEPTH_MAX, &arena, &doc, &error) != JSON_OK) {
        fail(err, "not valid JSON: %s at byte %zu", error.message, error.at);
        goto out;
    }
    const struct json_node *list = member_of(&doc, doc.nodes, SLICE_LIT("keys"));
    if (list == NULL || list->type != JSON_ARRAY || list->count > JWKS_KEYS_MAX) {
        fail(err, "there is no list of at most %d \"keys\" in it", JWKS_KEYS_MAX);
        goto out;
    }
    fail(err, "the list is empty");
    read_keys(set, &doc, list, err);
    rc = set->n > 0 ? 0 : -1; /* else err says what was wrong with the last */
    if (rc != 0)
        jwks_deinit(set);
out:
    arena_free(&arena);
    return rc;
}

void jwks_deinit(struct jwks *set)
{
    for (size_t i = 0; i < set->n; i++)
        key_deinit(&set->keys[i]);
    free(set->keys);
    *set = (struct jwks){0};
}
