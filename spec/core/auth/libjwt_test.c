#include "core/auth/libjwt.c"
#include "auth/token.h"
#include "spec/core/auth/forge.h"
#include "spec/core/test.h"

enum { NOW = 1800000000 };

static struct key make_key(enum key_alg alg, size_t n)
{
    struct key k;
    char err[ERR_MAX];
    CHECK_INT(key_set_secret(&k, alg, SLICE_LIT("k1"), slice_of(forge_secret, n), err), 0);
    return k;
}

TEST("what it signs is right by our own reading, with each of the algorithms of a secret")
{
    static const enum key_alg all[] = {KEY_HS256, KEY_HS384, KEY_HS512};
    for (int i = 0; i < 3; i++) {
        struct key k = make_key(all[i], 64);
        struct issuer issuer = {.keys = &k, .key_count = 1, .name = SLICE_LIT("neap")};
        struct arena a = {0};
        struct token t;
        char err[ERR_MAX];
        char *text = libjwt_sign(&k, "{\"sub\":\"u1\",\"iss\":\"neap\",\"exp\":1800000900,\"scope\":\"\u00e4 b\"}", err);
        CHECK(text != NULL);
        /* A scope is ASCII: refused by its claims, and not before. */
        CHECK_INT(token_read(&t, slice_str(text), &issuer, 1, NOW, &a), TOKEN_INVALID);
        free(text);
        text = libjwt_sign(&k, "{\"sub\":\"u1\",\"iss\":\"neap\",\"exp\":1800000900}", err);
        CHECK_INT(token_read(&t, slice_str(text), &issuer, 1, NOW, &a), TOKEN_OK);
        CHECK_STR(t.subject.p, t.subject.n, "u1");
        CHECK(libjwt_agrees(&k, slice_str(text)));
        text[strlen(text) - 2] ^= 1;
        CHECK(!libjwt_agrees(&k, slice_str(text)));
        free(text);
        arena_free(&a);
        key_deinit(&k);
    }
}

TEST("it agrees to no other algorithm than the key's, and to nothing without a signature")
{
    struct key k = make_key(KEY_HS256, 32);
    struct slice secret = slice_of(forge_secret, 32);
    struct buf same = forge_hmac("{\"alg\":\"HS256\"}", "{}", EVP_sha256(), secret);
    struct buf larger = forge_hmac("{\"alg\":\"HS512\"}", "{}", EVP_sha512(), secret);
    struct buf none = forge_input("{\"alg\":\"none\"}", "{}");
    buf_char(&none, '.');
    CHECK(libjwt_agrees(&k, buf_view(&same)));
    CHECK(!libjwt_agrees(&k, buf_view(&larger)) && !libjwt_agrees(&k, buf_view(&none)));
    buf_append(&same, "\0x", 2);
    CHECK(!libjwt_agrees(&k, buf_view(&same)));
    buf_free(&same);
    buf_free(&larger);
    buf_free(&none);
    key_deinit(&k);
}

TEST("it is not asked about public keys, and signs with none")
{
    struct key k;
    char err[ERR_MAX] = "";
    CHECK_INT(key_set_public(&k, KEY_ES256, SLICE_LIT("e1"), EVP_EC_gen("P-256"), err), 0);
    CHECK(libjwt_agrees(&k, SLICE_LIT("x")));
    CHECK(libjwt_sign(&k, "{}", err) == NULL && err[0] != 0);
    key_deinit(&k);
}

TEST("claims that are no object are not signed")
{
    struct key k = make_key(KEY_HS256, 32);
    char err[ERR_MAX];
    CHECK(libjwt_sign(&k, "[1]", err) == NULL && libjwt_sign(&k, "x", err) == NULL && libjwt_sign(&k, "", err) == NULL);
    key_deinit(&k);
}
