/* The reader of tokens, on any bytes: none of them is a token, since nobody here has the key; what comes in as a header or
 * as claims is signed with the key, so that the rules behind the signature are reached too. The first byte says which. */
#include "auth/token.h"
#include "fuzz/fuzz.h"
#include "spec/core/auth/forge.h"

enum { AS_TEXT, AS_HEADER, AS_CLAIMS, KINDS, NOW = 1800000000 };

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k\"}";
static const char claims[] = "{\"sub\":\"u\",\"iss\":\"i\",\"aud\":\"a\",\"exp\":1800000900}";

/* What is believed has all that it must have, in its place and within its bounds. */
static void check(const struct token *t, const struct issuer *issuer)
{
    FUZZ_CHECK(t->issuer == issuer && t->subject.n > 0 && t->subject.n <= TOKEN_SUBJECT_MAX);
    FUZZ_CHECK(t->email.n <= TOKEN_EMAIL_MAX && t->role.n <= TOKEN_ROLE_MAX && t->scopes.n <= TOKEN_SCOPES_MAX);
    FUZZ_CHECK(t->session.n <= TOKEN_SESSION_MAX && t->expires + TOKEN_LEEWAY_S > NOW);
    FUZZ_CHECK(memchr(t->subject.p, 0, t->subject.n) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {0};
    struct buf text = BUF_INIT;
    struct token t;
    struct key key;
    char err[ERR_MAX];
    struct slice secret = slice_of(forge_secret, 32);
    FUZZ_CHECK(key_set_secret(&key, KEY_HS256, SLICE_LIT("k"), secret, err) == 0);
    struct issuer issuer = {.keys = &key, .key_count = 1, .name = SLICE_LIT("i"), .audience = SLICE_LIT("a")};
    int kind = n > 0 ? data[0] % KINDS : AS_TEXT;
    struct slice in = n > 0 ? slice_of((const char *)data + 1, n - 1) : slice_of("", 0);
    if (kind == AS_TEXT)
        buf_slice(&text, in);
    else if (kind == AS_HEADER)
        text = forge_hmac_of(in, slice_str(claims), EVP_sha256(), secret);
    else
        text = forge_hmac_of(slice_str(header), in, EVP_sha256(), secret);
    enum token_status status = token_read(&t, buf_view(&text), &issuer, 1, NOW, &a);
    if (status == TOKEN_OK)
        check(&t, &issuer);
    key_deinit(&key);
    buf_free(&text);
    arena_free(&a);
    return 0;
}
