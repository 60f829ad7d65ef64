/* The rules on claims, one by one, and that each algorithm is taken at all: what token_forged_test.c refuses must not be
 * refused for another reason. */
#include "core/auth/token.c"
#include "spec/core/auth/forge.h"
#include "spec/core/test.h"

enum { NOW = 1800000000 };

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define CLAIMS(more) "{\"sub\":\"u1\",\"iss\":\"neap\",\"aud\":\"neap\",\"iat\":1800000000,\"exp\":1800000900" more "}"

static struct key keys[3];
static struct issuer issuers[2];

static void open_issuers(void)
{
    char err[ERR_MAX];
    struct slice secret = slice_of(forge_secret, 32);
    CHECK_INT(key_set_secret(&keys[0], KEY_HS256, SLICE_LIT("k1"), secret, err), 0);
    CHECK_INT(key_set_public(&keys[1], KEY_RS256, SLICE_LIT("r1"), EVP_RSA_gen(2048), err), 0);
    CHECK_INT(key_set_public(&keys[2], KEY_ES256, SLICE_LIT("e1"), EVP_EC_gen("P-256"), err), 0);
    issuers[0] = (struct issuer){.keys = keys, .key_count = 1, .name = SLICE_LIT("neap"), .audience = SLICE_LIT("neap")};
    issuers[1] = (struct issuer){.keys = keys + 1,
                                 .key_count = 2,
                                 .name = SLICE_LIT("https://issuer.example"),
                                 .audience = SLICE_LIT("api"),
                                 .external = true};
}

static void close_issuers(void)
{
    for (int i = 0; i < 3; i++)
        key_deinit(&keys[i]);
}

static enum token_status read_at(struct buf *text, uint64_t now, struct token *out, struct arena *a)
{
    enum token_status status = token_read(out, buf_view(text), issuers, 2, now, a);
    buf_free(text);
    return status;
}

static enum token_status verdict_of(const char *header, const char *claims, uint64_t now)
{
    struct arena a = {0};
    struct token t;
    struct buf text = forge_hmac(header, claims, EVP_sha256(), slice_of(forge_secret, 32));
    enum token_status status = read_at(&text, now, &t, &a);
    arena_free(&a);
    return status;
}

static enum token_status claims_verdict(const char *claims)
{
    return verdict_of(HEADER, claims, NOW);
}

TEST("a right token names its subject")
{
    struct arena a = {0};
    struct token t;
    open_issuers();
    struct buf text = forge_hmac(HEADER, CLAIMS(",\"email\":\"a@b.c\",\"role\":\"admin\",\"scope\":\"a b\",\"sid\":\"f\""),
                                 EVP_sha256(), slice_of(forge_secret, 32));
    CHECK_INT(read_at(&text, NOW, &t, &a), TOKEN_OK);
    CHECK_STR(t.subject.p, t.subject.n, "u1");
    CHECK_STR(t.email.p, t.email.n, "a@b.c");
    CHECK_STR(t.role.p, t.role.n, "admin");
    CHECK_STR(t.scopes.p, t.scopes.n, "a b");
    CHECK_STR(t.session.p, t.session.n, "f");
    CHECK(t.expires == NOW + 900 && t.issuer == &issuers[0]);
    arena_free(&a);
    close_issuers();
}

TEST("each algorithm is taken with its own key")
{
    static const char claims[] =
        "{\"sub\":\"x\",\"iss\":\"https://issuer.example\",\"aud\":[\"other\",\"api\"],\"exp\":1800000900}";
    static const enum key_alg hmacs[] = {KEY_HS256, KEY_HS384, KEY_HS512};
    char err[ERR_MAX], header[100];
    struct token t;
    struct arena a = {0};
    open_issuers();
    struct buf rs = forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", claims, keys[1].public_, EVP_sha256());
    CHECK_INT(read_at(&rs, NOW, &t, &a), TOKEN_OK);
    CHECK(t.issuer == &issuers[1] && slice_eq(t.subject, SLICE_LIT("x")));
    struct buf es =
        forge_public("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"e1\"}", claims, keys[2].public_, EVP_sha256());
    CHECK_INT(read_at(&es, NOW, &t, &a), TOKEN_OK);
    for (int i = 0; i < 3; i++) {
        const EVP_MD *md = i == 0 ? EVP_sha256() : i == 1 ? EVP_sha384() : EVP_sha512();
        key_deinit(&keys[0]);
        CHECK_INT(key_set_secret(&keys[0], hmacs[i], SLICE_LIT("k1"), slice_of(forge_secret, 64), err), 0);
        sprintf(header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k1\"}", key_alg_name(hmacs[i]));
        struct buf hs = forge_hmac(header, CLAIMS(""), md, slice_of(forge_secret, 64));
        CHECK_INT(read_at(&hs, NOW, &t, &a), TOKEN_OK);
    }
    arena_free(&a);
    close_issuers();
}

TEST("times count with half a minute of leeway")
{
    open_issuers();
    CHECK_INT(verdict_of(HEADER, CLAIMS(""), NOW + 900 + 29), TOKEN_OK);
    CHECK_INT(verdict_of(HEADER, CLAIMS(""), NOW + 900 + 30), TOKEN_EXPIRED);
    CHECK_INT(verdict_of(HEADER, CLAIMS(""), NOW - 30), TOKEN_OK); /* iat */
    CHECK_INT(verdict_of(HEADER, CLAIMS(""), NOW - 31), TOKEN_INVALID);
    CHECK_INT(claims_verdict(CLAIMS(",\"nbf\":1800000030")), TOKEN_OK);
    CHECK_INT(claims_verdict(CLAIMS(",\"nbf\":1800000031")), TOKEN_INVALID);
    /* What is wrong otherwise is not told to have expired. */
    CHECK_INT(verdict_of(HEADER, CLAIMS(",\"role\":1"), NOW + 2000), TOKEN_INVALID);
    close_issuers();
}

TEST("a key says by its id which tokens are its own; a token without one is tried with all of its algorithm")
{
    open_issuers();
    CHECK_INT(verdict_of("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", CLAIMS(""), NOW), TOKEN_OK);
    CHECK_INT(verdict_of("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k2\"}", CLAIMS(""), NOW), TOKEN_KEY_UNKNOWN);
    keys[0].id_n = 0;
    CHECK_INT(verdict_of("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS(""), NOW), TOKEN_KEY_UNKNOWN);
    CHECK_INT(verdict_of("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", CLAIMS(""), NOW), TOKEN_OK);
    close_issuers();
}

TEST("an issuer that is not looked at may be any, and its audience too")
{
    open_issuers();
    issuers[0].name = issuers[0].audience = (struct slice){0};
    CHECK_INT(claims_verdict("{\"sub\":\"u\",\"exp\":1800000900}"), TOKEN_OK);
    CHECK_INT(claims_verdict("{\"sub\":\"u\",\"exp\":1800000900,\"iss\":\"x\",\"aud\":[\"y\"]}"), TOKEN_OK);
    CHECK_INT(claims_verdict("{\"sub\":\"u\",\"exp\":1800000900,\"aud\":1}"), TOKEN_INVALID);
    CHECK_INT(claims_verdict("{\"sub\":\"u\",\"exp\":1800000900,\"iss\":1}"), TOKEN_INVALID);
    close_issuers();
}
