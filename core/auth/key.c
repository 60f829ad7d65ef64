#include "auth/key.h"

#include "base/mem.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { ES256_SIGNATURE_BYTES = 64 };

static const char *const alg_names[KEY_ALG_COUNT] = {
    [KEY_HS256] = "HS256", [KEY_HS384] = "HS384", [KEY_HS512] = "HS512", [KEY_RS256] = "RS256", [KEY_ES256] = "ES256",
};

bool key_alg_named(struct slice name, enum key_alg *out)
{
    for (int a = 0; a < KEY_ALG_COUNT; a++) {
        if (slice_eq(slice_str(alg_names[a]), name)) {
            *out = (enum key_alg)a;
            return true;
        }
    }
    return false;
}

const char *key_alg_name(enum key_alg alg)
{
    return alg_names[alg];
}

static const EVP_MD *digest_of(enum key_alg alg)
{
    return alg == KEY_HS384 ? EVP_sha384() : alg == KEY_HS512 ? EVP_sha512() : EVP_sha256();
}

static int set_id(struct key *k, struct slice id, char err[static ERR_MAX])
{
    if (id.n > KEY_ID_MAX)
        return fail(err, "its id is longer than %d bytes", KEY_ID_MAX);
    k->id_n = id.n;
    if (id.n > 0)
        memcpy(k->id, id.p, id.n);
    k->id[id.n] = 0;
    return 0;
}

static EVP_MAC_CTX *new_mac(const struct key *k)
{
    char digest[] = "SHA256";
    if (k->alg != KEY_HS256)
        memcpy(digest + 3, k->alg == KEY_HS384 ? "384" : "512", 3);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    if (ctx != NULL && EVP_MAC_init(ctx, k->secret, k->secret_n, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

int key_set_secret(struct key *k, enum key_alg alg, struct slice id, struct slice secret, char err[static ERR_MAX])
{
    size_t least = (size_t)EVP_MD_get_size(digest_of(alg));
    *k = (struct key){.alg = alg};
    if (alg > KEY_HS512)
        return fail(err, "%s takes no secret", alg_names[alg]);
    if (secret.n < least || secret.n > KEY_SECRET_MAX)
        return fail(err, "a key for %s has %zu to %d bytes", alg_names[alg], least, KEY_SECRET_MAX);
    if (set_id(k, id, err) != 0)
        return -1;
    k->secret = (unsigned char *)mem_dup(secret.p, secret.n);
    k->secret_n = secret.n;
    k->mac = new_mac(k);
    if (k->mac != NULL)
        return 0;
    key_deinit(k);
    return fail(err, "%s is not available in this OpenSSL", alg_names[alg]);
}

static int check_public(enum key_alg alg, EVP_PKEY *p, char err[static ERR_MAX])
{
    char group[32] = "";
    if (alg == KEY_RS256) {
        int bits = EVP_PKEY_get_bits(p);
        if (!EVP_PKEY_is_a(p, "RSA"))
            return fail(err, "RS256 takes an RSA key");
        if (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)
            return fail(err, "an RSA key has %d to %d bits, not %d", KEY_RSA_BITS_MIN, KEY_RSA_BITS_MAX, bits);
        return 0;
    }
    if (alg != KEY_ES256)
        return fail(err, "%s takes no public key", alg_names[alg]);
    if (!EVP_PKEY_is_a(p, "EC") || EVP_PKEY_get_group_name(p, group, sizeof group, NULL) != 1 ||
        strcmp(group, "prime256v1") != 0)
        return fail(err, "ES256 takes a key on the curve P-256");
    return 0;
}

int key_set_public(struct key *k, enum key_alg alg, struct slice id, struct evp_pkey_st *taken, char err[static ERR_MAX])
{
    *k = (struct key){.alg = alg};
    if (check_public(alg, taken, err) != 0 || set_id(k, id, err) != 0) {
        EVP_PKEY_free(taken);
        return -1;
    }
    k->public_ = taken;
    return 0;
}

void key_deinit(struct key *k)
{
    if (k->secret != NULL)
        OPENSSL_cleanse(k->secret, k->secret_n);
    free(k->secret);
    EVP_MAC_CTX_free(k->mac);
    EVP_PKEY_free(k->public_);
    *k = (struct key){0};
}

/* Without a key EVP_MAC_init begins anew with the one before. One thread at a time. */
static bool verify_hmac(const struct key *k, struct slice input, struct slice signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t n = 0;
    if (EVP_MAC_init(k->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(k->mac, (const unsigned char *)input.p, input.n) != 1 ||
        EVP_MAC_final(k->mac, mac, &n, sizeof mac) != 1)
        return false;
    return signature.n == n && CRYPTO_memcmp(mac, signature.p, n) == 0;
}

/* RFC 7518 3.4: R and S, 32 bytes each. OpenSSL wants them as DER, which it writes in one way only. */
static int der_of(struct slice signature, unsigned char **der)
{
    const unsigned char *p = (const unsigned char *)signature.p;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, 32, NULL), *s = BN_bin2bn(p + 32, 32, NULL);
    int n = -1;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* taken */
        n = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n;
}

static bool verify_digest(EVP_PKEY *public_, struct slice input, const unsigned char *sig, size_t sig_n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool right = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_) == 1 &&
                 EVP_DigestVerify(ctx, sig, sig_n, (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    return right;
}

bool key_verify(const struct key *k, struct slice input, struct slice signature)
{
    unsigned char *der = NULL;
    switch (k->alg) {
    case KEY_RS256: /* RFC 8017 8.2.2: as long as the modulus, and no other length */
        return signature.n == (size_t)EVP_PKEY_get_size(k->public_) &&
               verify_digest(k->public_, input, (const unsigned char *)signature.p, signature.n);
    case KEY_ES256: {
        int n = signature.n == ES256_SIGNATURE_BYTES ? der_of(signature, &der) : -1;
        bool right = n > 0 && verify_digest(k->public_, input, der, (size_t)n);
        OPENSSL_free(der);
        return right;
    }
    default:
        return verify_hmac(k, input, signature);
    }
}
