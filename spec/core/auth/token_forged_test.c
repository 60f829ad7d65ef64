/* Tokens that must not be believed. Each is right but for one thing: where the thing is not the signature it is signed with
 * the real key, so that nothing else can be what refuses it. */
#include "core/auth/token.c"
#include "spec/core/auth/forge.h"
#include "spec/core/test.h"

enum { NOW = 1800000000 };

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define BODY "\"sub\":\"u1\",\"iss\":\"neap\",\"aud\":\"neap\",\"iat\":1800000000,\"exp\":1800000900"
#define CLAIMS "{" BODY "}"
#define OTHERS "{\"sub\":\"u1\",\"iss\":\"other\",\"aud\":\"api\",\"exp\":1800000900}"
#define UNCLOSED "{" BODY
#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct key keys[3];
static struct issuer issuers[2];
static EVP_PKEY *rsa, *ec, *evil_rsa, *evil_ec;
static struct slice secret;
static unsigned forged;

static void prepare(void)
{
    char err[ERR_MAX];
    if (rsa != NULL)
        return;
    secret = slice_of(forge_secret, 32);
    rsa = EVP_RSA_gen(2048);
    evil_rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    evil_ec = EVP_EC_gen("P-256");
    CHECK_INT(key_set_secret(&keys[0], KEY_HS256, SLICE_LIT("k1"), secret, err), 0);
    CHECK_INT(key_set_public(&keys[1], KEY_RS256, SLICE_LIT("r1"), rsa, err), 0);
    CHECK_INT(key_set_public(&keys[2], KEY_ES256, SLICE_LIT("e1"), ec, err), 0);
    issuers[0] = (struct issuer){.keys = keys, .key_count = 1, .name = SLICE_LIT("neap"), .audience = SLICE_LIT("neap")};
    issuers[1] = (struct issuer){
        .keys = keys + 1, .key_count = 2, .name = SLICE_LIT("other"), .audience = SLICE_LIT("api"), .external = true};
}

static enum token_status verdict(struct slice text)
{
    struct arena a = {0};
    struct token t;
    /* Exactly as long as it is: a sanitizer sees any look past its end. */
    char *exact = malloc(text.n + (text.n == 0));
    memcpy(exact, text.p ? text.p : "", text.n);
    enum token_status status = token_read(&t, slice_of(exact, text.n), issuers, 2, NOW, &a);
    free(exact);
    arena_free(&a);
    return status;
}

static void refused(const char *what, struct slice text)
{
    forged++;
    if (verdict(text) != TOKEN_OK)
        return;
    printf("  %.*s\n", text.n > 300 ? 300 : (int)text.n, text.p);
    test_fail(__FILE__, __LINE__, what);
}

static void refused_buf(const char *what, struct buf text)
{
    refused(what, buf_view(&text));
    buf_free(&text);
}

/* The whole of what these are made of is right. */
TEST("the tokens that the forged ones are made of are taken")
{
    prepare();
    struct buf hs = forge_hmac(HEADER, CLAIMS, EVP_sha256(), secret);
    struct buf rs = forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha256());
    struct buf es = forge_public("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, ec, EVP_sha256());
    CHECK_INT(verdict(buf_view(&hs)), TOKEN_OK);
    CHECK_INT(verdict(buf_view(&rs)), TOKEN_OK);
    CHECK_INT(verdict(buf_view(&es)), TOKEN_OK);
    buf_free(&hs);
    buf_free(&rs);
    buf_free(&es);
}

TEST("no algorithm but those of the keys: none in any spelling, and letters that only look right")
{
    static const char *const algs[] = {
        "\"none\"",
        "\"None\"",
        "\"NONE\"",
        "\"nOnE\"",
        "\"none \"",
        "\"\"",
        "null",
        "0",
        "[]",
        "[\"HS256\"]",
        "{}",
        "true",
        "\"hs256\"",
        "\"Hs256\"",
        "\"HS256 \"",
        "\" HS256\"",
        "\"HS256\\u0000\"",
        "\"HS256\\u200b\"",
        "\"HS\\uff12\\uff15\\uff16\"",
        "\"\\uff28\\uff33256\"",
        "\"H\\u0405256\"",
        "\"\xd0\x9d\xd0\x85\x32\x35\x36\"",
        "\"HS\xd9\xa2\xd9\xa5\xd9\xa6\"",
        "\"HS2560\"",
        "\"HS25\"",
        "\"HMAC\"",
        "\"dir\"",
        "\"EdDSA\"",
        "\"PS256\"",
        "\"RS1\"",
        "\"HS1\"",
        "\"HS256\\n\"",
    };
    char header[200];
    prepare();
    for (size_t i = 0; i < COUNT(algs); i++) {
        snprintf(header, sizeof header, "{\"alg\":%s,\"typ\":\"JWT\",\"kid\":\"k1\"}", algs[i]);
        struct buf unsigned_ = forge_input(header, CLAIMS);
        buf_char(&unsigned_, '.');
        refused_buf(algs[i], unsigned_);
        refused_buf(algs[i], forge_hmac(header, CLAIMS, EVP_sha256(), secret));
    }
    refused_buf("no alg", forge_hmac("{\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS, EVP_sha256(), secret));
    refused_buf("an empty header", forge_hmac("{}", CLAIMS, EVP_sha256(), secret));
}

/* What an attacker has of a public key, used as if it were a shared secret. */
static void confuse(EVP_PKEY *key, const char *kid)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512"};
    char header[200];
    struct buf pem = forge_pem(key), der = forge_der(key);
    const struct slice secrets[] = {buf_view(&pem), slice_of(pem.p, pem.n - 1), buf_view(&der),
                                    slice_of(der.p + der.n - 65, 65)};
    for (size_t a = 0; a < COUNT(algs); a++) {
        const EVP_MD *md = a == 0 ? EVP_sha256() : a == 1 ? EVP_sha384() : EVP_sha512();
        for (size_t s = 0; s < COUNT(secrets); s++) {
            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", algs[a], kid);
            refused_buf("a public key as a secret", forge_hmac(header, OTHERS, md, secrets[s]));
            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algs[a]);
            refused_buf("a public key as a secret", forge_hmac(header, CLAIMS, md, secrets[s]));
        }
    }
    buf_free(&pem);
    buf_free(&der);
}

TEST("a public key is no secret")
{
    prepare();
    confuse(rsa, "r1");
    confuse(ec, "e1");
}

TEST("a key is for its own algorithm, and only the configured keys sign")
{
    prepare();
    refused_buf("HS384", forge_hmac("{\"alg\":\"HS384\",\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS, EVP_sha384(), secret));
    refused_buf("HS512", forge_hmac("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS, EVP_sha512(), secret));
    refused_buf("HS512 no kid", forge_hmac("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", CLAIMS, EVP_sha512(), secret));
    refused_buf("SHA-512 as HS256", forge_hmac(HEADER, CLAIMS, EVP_sha512(), secret));
    refused_buf("RS384", forge_public("{\"alg\":\"RS384\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha384()));
    refused_buf("RS512", forge_public("{\"alg\":\"RS512\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha512()));
    refused_buf("RS256 of SHA-1", forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha1()));
    refused_buf("RS256 with a secret", forge_hmac("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, EVP_sha256(), secret));
    refused_buf("RS256 with k1",
                forge_hmac("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS, EVP_sha256(), secret));
    refused_buf("ES256 with a secret", forge_hmac("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, EVP_sha256(), secret));
    refused_buf("ES256 with RSA", forge_public("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, rsa, EVP_sha256()));
    refused_buf("RS256 with EC", forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, ec, EVP_sha256()));
    refused_buf("RS256 by kid e1", forge_public("{\"alg\":\"RS256\",\"kid\":\"e1\"}", OTHERS, rsa, EVP_sha256()));
    refused_buf("HS256 that is RS256", forge_public("{\"alg\":\"HS256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha256()));
    refused_buf("ES256 that is RS256", forge_public("{\"alg\":\"ES256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha256()));
    refused_buf("RS256 that is ES256", forge_public("{\"alg\":\"RS256\",\"kid\":\"e1\"}", OTHERS, ec, EVP_sha256()));
    refused_buf("HS512 that is HS256",
                forge_hmac("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"k1\"}", CLAIMS, EVP_sha256(), secret));
    refused_buf("another RSA key", forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, evil_rsa, EVP_sha256()));
    refused_buf("another RSA key", forge_public("{\"alg\":\"RS256\"}", OTHERS, evil_rsa, EVP_sha256()));
    refused_buf("another EC key", forge_public("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, evil_ec, EVP_sha256()));
    refused_buf("another EC key", forge_public("{\"alg\":\"ES256\"}", OTHERS, evil_ec, EVP_sha256()));
    refused_buf("an empty secret", forge_hmac(HEADER, CLAIMS, EVP_sha256(), SLICE_LIT("")));
    refused_buf("a part of the secret", forge_hmac(HEADER, CLAIMS, EVP_sha256(), slice_of(forge_secret, 31)));
    refused_buf("more than the secret", forge_hmac(HEADER, CLAIMS, EVP_sha256(), slice_of(forge_secret, 33)));
    /* An issuer speaks for itself alone. */
    refused_buf("ours by another's key",
                forge_public("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"r1\"}", CLAIMS, rsa, EVP_sha256()));
    refused_buf("another's by our key", forge_hmac(HEADER, OTHERS, EVP_sha256(), secret));
}

/* A key that comes with the token, or where to get one. */
TEST("a key that a token brings along is not looked at")
{
    static const char *const with[] = {
        "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "\"jku\":\"https://evil.example/jwks\"",
        "\"x5u\":\"https://evil.example/c\"",
        "\"x5c\":[\"AAAA\"]",
        "\"x5t\":\"AAAA\"",
        "\"k\":\"AAAA\"",
    };
    char header[300];
    prepare();
    for (size_t i = 0; i < COUNT(with); i++) {
        snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"kid\":\"r1\",%s}", with[i]);
        refused_buf(with[i], forge_public(header, OTHERS, evil_rsa, EVP_sha256()));
        snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",%s}", with[i]);
        refused_buf(with[i], forge_hmac(header, CLAIMS, EVP_sha256(), slice_of("\0\0\0", 3)));
    }
}

TEST("a kid names a configured key and nothing else")
{
    static const char *const kids[] = {
        "\"k2\"",
        "\"K1\"",
        "\"k1 \"",
        "\" k1\"",
        "\"\"",
        "\" \"",
        "\"k1\\u0000\"",
        "\"k1\\u0000.pem\"",
        "\"k\"",
        "\"k11\"",
        "\"*\"",
        "\"../../../../dev/null\"",
        "\"/dev/null\"",
        "\"/proc/self/environ\"",
        "\"file:///dev/null\"",
        "\"k1' or '1'='1\"",
        "\"' union select 'AAAA\"",
        "\"k1;--\"",
        "\"$(id)\"",
        "\"|id\"",
        "\"%6b1\"",
        "\"\\u006b2\"",
        "\"https://evil.example/k\"",
        "\"r1\"",
        "\"e1\"",
        "\"k\xc4\xb1\"",
        "1",
        "0",
        "-1",
        "1.5",
        "null",
        "true",
        "[\"k1\"]",
        "[]",
        "{\"k1\":1}",
        "\"k1\\n\"",
    };
    static const char null_secret[64];
    char header[400], longest[200];
    prepare();
    for (size_t i = 0; i < COUNT(kids); i++) {
        snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":%s}", kids[i]);
        refused_buf(kids[i], forge_hmac(header, CLAIMS, EVP_sha256(), secret));
        refused_buf(kids[i], forge_hmac(header, CLAIMS, EVP_sha256(), slice_of(null_secret, i % sizeof null_secret)));
    }
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", longest);
    refused_buf("a long kid", forge_hmac(header, CLAIMS, EVP_sha256(), secret));
}

TEST("what is no access token, or asks for what we do not know, is none of ours")
{
    static const char *const more[] = {
        "\"typ\":\"at+jwt\"",
        "\"typ\":\"JWE\"",
        "\"typ\":\"JOSE\"",
        "\"typ\":\"id+jwt\"",
        "\"typ\":\"logout+jwt\"",
        "\"typ\":\"dpop+jwt\"",
        "\"typ\":\"secevent+jwt\"",
        "\"typ\":\"\"",
        "\"typ\":\"JWT \"",
        "\"typ\":\"text/JWT\"",
        "\"typ\":\"application/\"",
        "\"typ\":1",
        "\"typ\":null",
        "\"typ\":[\"JWT\"]",
        "\"typ\":{}",
        "\"typ\":true",
        "\"cty\":\"JWT\"",
        "\"typ\":\"JWT\",\"crit\":[]",
        "\"typ\":\"JWT\",\"crit\":[\"exp\"]",
        "\"typ\":\"JWT\",\"crit\":[\"b64\"],\"b64\":false",
        "\"typ\":\"JWT\",\"crit\":\"exp\"",
        "\"typ\":\"JWT\",\"crit\":null",
        "\"typ\":\"JWT\",\"crit\":[\"x\"],\"x\":1",
        "\"typ\":\"JWT\",\"crit\":{}",
        "\"typ\":\"JWT\",\"b64\":false",
        "\"typ\":\"JWT\",\"b64\":true",
        "\"typ\":\"JWT\",\"\\u0063rit\":[\"x\"]",
        "\"typ\":\"JWT\",\"alg\":\"HS256\"",
        "\"typ\":\"JWT\",\"alg\":\"none\"",
        "\"typ\":\"JWT\",\"kid\":\"k1\"",
        "\"typ\":\"JWT\",\"typ\":\"JWT\"",
        "\"typ\":\"JWT\",\"\\u0061lg\":\"none\"",
        "\"typ\":\"JWT\",\"x\":[[[[[[[[[[1]]]]]]]]]]",
    };
    char header[300];
    prepare();
    for (size_t i = 0; i < COUNT(more); i++) {
        snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"k1\",%s}", more[i]);
        refused_buf(more[i], forge_hmac(header, CLAIMS, EVP_sha256(), secret));
    }
}

TEST("a header is one object of JSON")
{
    static const char *const headers[] = {
        "",
        " ",
        "null",
        "[]",
        "\"HS256\"",
        "1",
        "{",
        HEADER "x",
        HEADER HEADER,
        "\xef\xbb\xbf" HEADER,
        "{'alg':'HS256','typ':'JWT','kid':'k1'}",
        "{alg:\"HS256\"}",
        "/**/" HEADER,
        "[" HEADER "]",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\",}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x\":\"\xff\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x\":\"\\ud800\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x\":01}",
        "{\"alg\":\"HS256\" \"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"",
    };
    prepare();
    for (size_t i = 0; i < COUNT(headers); i++)
        refused_buf(headers[i], forge_hmac(headers[i], CLAIMS, EVP_sha256(), secret));
}

TEST("claims have their types, their values and their times")
{
    static const char *const wrong[] = {
        "\"0\"",
        "\"1800000900\"",
        "1800000900.5",
        "1.8e9",
        "18000009000e-1",
        "-1",
        "-1800000900",
        "253402300800",
        "9223372036854775807",
        "9223372036854775808",
        "1e400",
        "null",
        "true",
        "false",
        "[]",
        "[1800000900]",
        "{}",
        "\"\"",
        "\"never\"",
        "99999999999999999999",
    };
    char claims[400];
    prepare();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(claims, sizeof claims, "{\"sub\":\"u1\",\"iss\":\"neap\",\"aud\":\"neap\",\"exp\":%s}", wrong[i]);
        refused_buf(claims, forge_hmac(HEADER, claims, EVP_sha256(), secret));
        snprintf(claims, sizeof claims, "{\"sub\":\"u1\",\"iss\":\"neap\",\"aud\":\"neap\",\"exp\":1800000900,\"nbf\":%s}",
                 wrong[i]);
        refused_buf(claims, forge_hmac(HEADER, claims, EVP_sha256(), secret));
        snprintf(claims, sizeof claims, "{\"sub\":\"u1\",\"iss\":\"neap\",\"aud\":\"neap\",\"exp\":1800000900,\"iat\":%s}",
                 wrong[i]);
        refused_buf(claims, forge_hmac(HEADER, claims, EVP_sha256(), secret));
    }
}

TEST("claims say whose they are and for whom")
{
#define SUB "\"sub\":\"u1\","
#define ISS "\"iss\":\"neap\","
#define AUD "\"aud\":\"neap\","
#define EXP "\"exp\":1800000900"
    static const char *const claims[] = {
        "{" SUB ISS AUD "\"iat\":1800000000}",
        "{" SUB ISS AUD "\"exp\":1799999970}",
        "{" SUB ISS AUD "\"exp\":0}",
        "{" SUB ISS AUD EXP ",\"nbf\":1800000031}",
        "{" SUB ISS AUD EXP ",\"iat\":1800000031}",
        "{" SUB ISS EXP "}",
        "{" SUB ISS "\"aud\":\"other\"," EXP "}",
        "{" SUB ISS "\"aud\":1," EXP "}",
        "{" SUB ISS "\"aud\":null," EXP "}",
        "{" SUB ISS "\"aud\":{}," EXP "}",
        "{" SUB ISS "\"aud\":[]," EXP "}",
        "{" SUB ISS "\"aud\":[\"other\"]," EXP "}",
        "{" SUB ISS "\"aud\":[\"neap\",5]," EXP "}",
        "{" SUB ISS "\"aud\":[5,\"neap\"]," EXP "}",
        "{" SUB ISS "\"aud\":[[\"neap\"]]," EXP "}",
        "{" SUB ISS "\"aud\":true," EXP "}",
        "{" SUB ISS "\"aud\":\"\"," EXP "}",
        "{" SUB ISS "\"aud\":\"neap \"," EXP "}",
        "{" SUB ISS "\"aud\":\"Neap\"," EXP "}",
        "{" SUB ISS "\"aud\":\"neap\\u0000\"," EXP "}",
        "{" SUB ISS "\"aud\":{\"neap\":1}," EXP "}",
        "{" SUB AUD EXP "}",
        "{" SUB "\"iss\":\"other\"," AUD EXP "}",
        "{" SUB "\"iss\":1," AUD EXP "}",
        "{" SUB "\"iss\":null," AUD EXP "}",
        "{" SUB "\"iss\":[\"neap\"]," AUD EXP "}",
        "{" SUB "\"iss\":{}," AUD EXP "}",
        "{" SUB "\"iss\":\"NEAP\"," AUD EXP "}",
        "{" SUB "\"iss\":\"neap/\"," AUD EXP "}",
        "{" ISS AUD EXP "}",
        "{\"sub\":\"\"," ISS AUD EXP "}",
        "{\"sub\":null," ISS AUD EXP "}",
        "{\"sub\":1," ISS AUD EXP "}",
        "{\"sub\":[\"u1\"]," ISS AUD EXP "}",
        "{\"sub\":{}," ISS AUD EXP "}",
        "{\"sub\":\"u1\\u0000\"," ISS AUD EXP "}",
        "{\"sub\":\"u1\\n\"," ISS AUD EXP "}",
        "{\"sub\":true," ISS AUD EXP "}",
        "{" SUB SUB ISS AUD EXP "}",
        "{" SUB "\"sub\":\"admin\"," ISS AUD EXP "}",
        "{" SUB "\"s\\u0075b\":\"admin\"," ISS AUD EXP "}",
        "{" SUB ISS AUD EXP "," EXP "}",
        "{" SUB ISS ISS AUD EXP "}",
        "{" SUB ISS AUD AUD EXP "}",
        "{" SUB ISS AUD EXP ",\"role\":1}",
        "{" SUB ISS AUD EXP ",\"role\":[\"admin\"]}",
        "{" SUB ISS AUD EXP ",\"role\":null}",
        "{" SUB ISS AUD EXP ",\"role\":\"\"}",
        "{" SUB ISS AUD EXP ",\"role\":\"user\",\"role\":\"admin\"}",
        "{" SUB ISS AUD EXP ",\"scope\":1}",
        "{" SUB ISS AUD EXP ",\"scope\":[\"a\"]}",
        "{" SUB ISS AUD EXP ",\"scope\":\"a\\\"b\"}",
        "{" SUB ISS AUD EXP ",\"scope\":\"a\\tb\"}",
        "{" SUB ISS AUD EXP ",\"sid\":1}",
        "{" SUB ISS AUD EXP ",\"sid\":{}}",
        "{" SUB ISS AUD EXP ",\"email\":1}",
        "{" SUB ISS AUD EXP ",\"email\":[]}",
        "{" SUB ISS AUD EXP ",\"email\":\"a\\r\\nb\"}",
        "",
        "null",
        "[]",
        "1",
        "\"u1\"",
        "{}",
        "[" CLAIMS "]",
        CLAIMS "x",
        CLAIMS CLAIMS,
        "\xef\xbb\xbf" CLAIMS,
        "{" BODY ",}",
        "{" BODY ",\"x\":\"\xff\"}",
        "{" BODY ",\"x\":\"\\ud800\"}",
        "{" BODY ",\"x\":\"\\u0000\"}",
        "{" BODY ",\"x\":NaN}",
        "{" BODY ",\"x\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
        UNCLOSED,
    };
    char longest[600] = "{\"sub\":\"";
    prepare();
    for (size_t i = 0; i < COUNT(claims); i++)
        refused_buf(claims[i], forge_hmac(HEADER, claims[i], EVP_sha256(), secret));
    size_t n = strlen(longest);
    memset(longest + n, 'u', TOKEN_SUBJECT_MAX + 1);
    strcpy(longest + n + TOKEN_SUBJECT_MAX + 1, "\"," ISS AUD EXP "}");
    refused_buf("a long subject", forge_hmac(HEADER, longest, EVP_sha256(), secret));
}

static void with(const char *what, const struct buf *token, size_t at, size_t cut, const char *put)
{
    struct buf b = BUF_INIT;
    buf_append(&b, token->p, at);
    buf_str(&b, put);
    buf_append(&b, token->p + at + cut, token->n - at - cut);
    refused_buf(what, b);
}

TEST("the form is three parts of strict base64url and not a byte more")
{
    static const char *const put[] = {"=", "==", " ", "\n", "\t", "\r\n",     "%3D", "+",
                                      "/", "?",  "#", ".",  "..", "\xc2\xa0", "\"",  ","};
    prepare();
    struct buf t = forge_hmac(HEADER, CLAIMS, EVP_sha256(), secret);
    size_t first = (size_t)((char *)memchr(t.p, '.', t.n) - t.p);
    size_t second = (size_t)((char *)memchr(t.p + first + 1, '.', t.n - first - 1) - t.p);
    for (size_t i = 0; i < COUNT(put); i++) {
        with("before it", &t, 0, 0, put[i]);
        with("after the header", &t, first, 0, put[i]);
        with("after the claims", &t, second, 0, put[i]);
        with("after it", &t, t.n, 0, put[i]);
    }
    refused("the signature is missing", slice_of(t.p, second));
    refused("the signature is empty", slice_of(t.p, second + 1));
    refused("the header is missing", slice_of(t.p + first, t.n - first));
    refused("the claims are missing", slice_of(t.p + first + 1, t.n - first - 1));
    with("the claims are empty", &t, first + 1, second - first - 1, "");
    with("the header is empty", &t, 0, first, "");
    refused("empty", SLICE_LIT(""));
    refused("dots", SLICE_LIT(".."));
    refused("a scheme", SLICE_LIT("Bearer"));
    refused("NUL", slice_of("\0", 1));
    buf_append(&t, "\0", 1);
    refused("NUL behind it", buf_view(&t));
    t.n--;
    buf_append(&t, "\0admin", 6);
    refused("more behind NUL", buf_view(&t));
    buf_free(&t);
}

/* The last digit of the signature has two bits that mean nothing: a second text for the same bytes. */
TEST("a token has one text only")
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    prepare();
    struct buf t = forge_hmac(HEADER, CLAIMS, EVP_sha256(), secret);
    char last = t.p[t.n - 1];
    for (int bits = 1; bits < 4; bits++) {
        t.p[t.n - 1] = digits[(strchr(digits, last) - digits) | bits];
        refused("bits that mean nothing", buf_view(&t));
    }
    t.p[t.n - 1] = last;
    CHECK_INT(verdict(buf_view(&t)), TOKEN_OK);
    buf_free(&t);
}

TEST("a token that was cut or changed anywhere is none")
{
    prepare();
    struct buf hs = forge_hmac(HEADER, CLAIMS, EVP_sha256(), secret);
    struct buf rs = forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha256());
    struct buf es = forge_public("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, ec, EVP_sha256());
    struct buf *all[] = {&hs, &rs, &es};
    for (size_t k = 0; k < COUNT(all); k++) {
        for (size_t i = 0; i < all[k]->n; i += k == 1 ? 7 : 1) {
            char was = all[k]->p[i];
            refused("cut", slice_of(all[k]->p, i));
            all[k]->p[i] = was == 'A' ? 'B' : 'A';
            refused("changed", buf_view(all[k]));
            all[k]->p[i] = was;
        }
        CHECK_INT(verdict(buf_view(all[k])), TOKEN_OK);
        buf_free(all[k]);
    }
}

static void es256_with(const char *what, const unsigned char *sig, size_t n)
{
    struct buf b = forge_input("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS);
    forge_seal(&b, slice_of((const char *)sig, n));
    refused_buf(what, b);
}

/* The same signature with a byte more at its end, or at its front. */
static void stretched(struct buf token)
{
    struct arena a = {0};
    struct jws jws;
    unsigned char more[600] = {0};
    CHECK(jws_read(&jws, buf_view(&token), &a));
    for (int front = 0; front < 2; front++) {
        struct buf b = BUF_INIT;
        memset(more, 0, sizeof more);
        memcpy(more + front, jws.signature.p, jws.signature.n);
        buf_slice(&b, jws.input);
        forge_seal(&b, slice_of((const char *)more, jws.signature.n + 1));
        refused_buf("a byte more", b);
    }
    arena_free(&a);
    buf_free(&token);
}

TEST("a signature has its length and no other")
{
    prepare();
    stretched(forge_hmac(HEADER, CLAIMS, EVP_sha256(), secret));
    stretched(forge_public("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS, rsa, EVP_sha256()));
    stretched(forge_public("{\"alg\":\"ES256\",\"kid\":\"e1\"}", OTHERS, ec, EVP_sha256()));
}

TEST("signatures of zeros, of ones and of other lengths are none")
{
    unsigned char sig[300] = {0};
    static const size_t lengths[] = {1, 31, 32, 63, 64, 65, 70, 72, 128, 255, 256, 257};
    prepare();
    for (int fill = 0; fill < 2; fill++) {
        memset(sig, fill ? 0xff : 0, sizeof sig);
        for (size_t i = 0; i < COUNT(lengths); i++) {
            es256_with("ES256", sig, lengths[i]);
            struct buf hs = forge_input(HEADER, CLAIMS), rs = forge_input("{\"alg\":\"RS256\",\"kid\":\"r1\"}", OTHERS);
            forge_seal(&hs, slice_of((const char *)sig, lengths[i]));
            forge_seal(&rs, slice_of((const char *)sig, lengths[i]));
            refused_buf("HS256", hs);
            refused_buf("RS256", rs);
        }
    }
}

TEST("a token that is too large, or nested too deep, is not read")
{
    static char claims[20000];
    prepare();
    int n = sprintf(claims, "{" BODY ",\"x\":\"");
    memset(claims + n, 'x', 10000);
    strcpy(claims + n + 10000, "\"}");
    refused_buf("large", forge_hmac(HEADER, claims, EVP_sha256(), secret));
    n = sprintf(claims, "{" BODY ",\"x\":");
    memset(claims + n, '[', 2000);
    memset(claims + n + 2000, ']', 2000);
    strcpy(claims + n + 4000, "}");
    refused_buf("deep", forge_hmac(HEADER, claims, EVP_sha256(), secret));
    static char dots[60000];
    memset(dots, '.', sizeof dots);
    refused("dots", slice_of(dots, sizeof dots));
    memset(dots, 'A', sizeof dots);
    refused("letters", slice_of(dots, sizeof dots));
}

TEST("there were two hundred of them and more")
{
    printf("  %u forged tokens, none of them taken\n", forged);
    CHECK(forged >= 200);
}
