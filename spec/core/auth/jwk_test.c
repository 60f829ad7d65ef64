#include "core/auth/jwk.c"
#include "spec/core/auth/forge.h"
#include "spec/core/test.h"

#define ZEROS "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define POINT_ZERO "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":" ZEROS ",\"y\":" ZEROS "}"
#define SET_OF_SECRETS "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":" ZEROS "}]}"

static char text[20000];

static void put_number(const char *name, EVP_PKEY *key, const char *param, int bytes)
{
    BIGNUM *n = NULL;
    unsigned char raw[2048];
    struct buf out = BUF_INIT;
    CHECK_INT(EVP_PKEY_get_bn_param(key, param, &n), 1);
    int size = bytes ? bytes : BN_num_bytes(n);
    CHECK_INT(BN_bn2binpad(n, raw, size), size);
    forge_base64(&out, slice_of((const char *)raw, (size_t)size));
    sprintf(text + strlen(text), "\"%s\":\"%.*s\",", name, (int)out.n, out.p);
    buf_free(&out);
    BN_free(n);
}

static void put_rsa(unsigned bits, const char *more)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    strcat(text, "{\"kty\":\"RSA\",");
    put_number("n", key, OSSL_PKEY_PARAM_RSA_N, 0);
    put_number("e", key, OSSL_PKEY_PARAM_RSA_E, 0);
    sprintf(text + strlen(text), "\"kid\":\"%u\"%s}", bits, more);
    EVP_PKEY_free(key);
}

static void put_ec(const char *curve, const char *name, int bytes, const char *more)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    sprintf(text + strlen(text), "{\"kty\":\"EC\",\"crv\":\"%s\",", name);
    put_number("x", key, OSSL_PKEY_PARAM_EC_PUB_X, bytes);
    put_number("y", key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes);
    sprintf(text + strlen(text), "\"kid\":\"%s\"%s}", name, more);
    EVP_PKEY_free(key);
}

/* Reads `text` as one key and empties it. */
static int read_one(struct key *k, char err[static ERR_MAX])
{
    struct arena a = {0};
    struct json_doc doc;
    struct json_error error;
    int rc = -2;
    if (json_read(slice_str(text), 16, &a, &doc, &error) == JSON_OK)
        rc = jwk_read(k, &doc, doc.nodes, err);
    arena_free(&a);
    text[0] = 0;
    return rc;
}

static void refused(const char *why)
{
    struct key k;
    char err[ERR_MAX] = "";
    CHECK_INT(read_one(&k, err), -1);
    if (strstr(err, why) == NULL)
        test_fail(__FILE__, __LINE__, err);
}

TEST("an RSA key is for RS256 and one on P-256 for ES256")
{
    struct key k;
    char err[ERR_MAX];
    put_rsa(2048, "");
    CHECK_INT(read_one(&k, err), 0);
    CHECK(k.alg == KEY_RS256 && strcmp(k.id, "2048") == 0);
    key_deinit(&k);
    put_ec("P-256", "P-256", 32, ",\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"sign\",\"verify\"]");
    CHECK_INT(read_one(&k, err), 0);
    CHECK(k.alg == KEY_ES256);
    key_deinit(&k);
}

TEST("a key that is too small, on another curve or for another algorithm is refused")
{
    put_rsa(1024, "");
    refused("2048");
    put_ec("P-384", "P-384", 48, "");
    refused("P-256");
    put_ec("secp256k1", "secp256k1", 32, "");
    refused("P-256");
    put_ec("secp256k1", "P-256", 32, ""); /* its points are none of that curve */
    refused("P-256");
    put_rsa(2048, ",\"alg\":\"ES256\"");
    refused("ES256");
    put_rsa(2048, ",\"alg\":\"HS256\"");
    refused("HS256");
    put_ec("P-256", "P-256", 32, ",\"alg\":\"RS256\"");
    refused("RS256");
    put_rsa(2048, ",\"alg\":\"RS512\"");
    refused("none that we take");
    put_rsa(2048, ",\"alg\":1");
    refused("none that we take");
}

TEST("a key for another purpose is refused")
{
    static const char *const purposes[] = {",\"use\":\"enc\"", ",\"use\":1", ",\"key_ops\":[\"sign\"]", ",\"key_ops\":[]",
                                           ",\"key_ops\":\"verify\""};
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        put_ec("P-256", "P-256", 32, purposes[i]);
        refused("check signatures");
    }
}

TEST("what is no key is refused")
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "1",
        "{\"kty\":\"RSA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQ\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB==\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}",
        POINT_ZERO,
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
        "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAA\"}",
        "{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        strcpy(text, wrong[i]);
        refused("");
    }
}

TEST("an exponent that signs nothing is refused")
{
    static const char *const exponents[] = {"AQ", "Ag", "AQAA", "AAAA"}; /* 1, 2, 65536, 0 */
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        put_rsa(2048, "");
        char *e = strstr(text, "\"e\":\"AQAB\"");
        CHECK(e != NULL);
        memset(e, ' ', 10);
        char put[20];
        size_t n = (size_t)sprintf(put, "\"e\":\"%s\"", exponents[i]);
        memcpy(e, put, n);
        refused("no RSA key");
    }
}

TEST("a set has the keys that we can use, and never a secret")
{
    struct jwks set;
    char err[ERR_MAX];
    strcpy(text, "{\"keys\":[");
    put_rsa(1024, "");
    strcat(text, ",");
    put_ec("P-256", "P-256", 32, "");
    strcat(text, ",{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},");
    put_rsa(2048, "");
    strcat(text, ",{\"kty\":\"OKP\"},5],\"more\":1}");
    CHECK_INT(jwks_read(&set, slice_str(text), err), 0);
    CHECK_INT(set.n, 2);
    CHECK(set.keys[0].alg == KEY_ES256 && set.keys[1].alg == KEY_RS256);
    jwks_deinit(&set);
    text[0] = 0;
}

TEST("a set without a key of ours is none")
{
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"keys\":1}",
                                        "{\"keys\":[]}",
                                        "{\"keys\":[{\"kty\":\"OKP\"}]}",
                                        "{\"keys\":[],\"keys\":[]}",
                                        SET_OF_SECRETS};
    struct jwks set;
    char err[ERR_MAX];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(jwks_read(&set, slice_str(wrong[i]), err), -1);
    char *large = malloc(JWKS_BYTES_MAX + 2);
    memset(large, ' ', JWKS_BYTES_MAX + 1);
    CHECK_INT(jwks_read(&set, slice_of(large, JWKS_BYTES_MAX + 1), err), -1);
    CHECK(strstr(err, "larger") != NULL);
    free(large);
}
