#ifndef SPEC_AUTH_FORGE_H
#define SPEC_AUTH_FORGE_H
/* Makes tokens as an attacker, or an issuer, would: any header, any claims, signed with any key or with none. */
#include "auth/key.h"
#include "base/buf.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

static const char forge_secret[] = "0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef";

static __attribute__((unused)) void forge_base64(struct buf *out, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < s.n; i++) {
        bits = bits << 8 | (unsigned char)s.p[i];
        for (held += 8; held >= 6; held -= 6)
            buf_char(out, digits[bits >> (held - 6) & 63]);
    }
    if (held > 0)
        buf_char(out, digits[bits << (6 - held) & 63]);
}

/* The two parts that are signed, with the dot between them. */
static __attribute__((unused)) struct buf forge_input_of(struct slice header, struct slice claims)
{
    struct buf out = BUF_INIT;
    forge_base64(&out, header);
    buf_char(&out, '.');
    forge_base64(&out, claims);
    return out;
}

static __attribute__((unused)) struct buf forge_input(const char *header, const char *claims)
{
    return forge_input_of(slice_str(header), slice_str(claims));
}

static __attribute__((unused)) void forge_seal(struct buf *b, struct slice signature)
{
    buf_char(b, '.');
    forge_base64(b, signature);
}

/* Any bytes, NUL among them. */
static __attribute__((unused)) struct buf forge_hmac_of(struct slice header, struct slice claims, const EVP_MD *md,
                                                        struct slice secret)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf b = forge_input_of(header, claims);
    HMAC(md, secret.p, (int)secret.n, (const unsigned char *)b.p, b.n, mac, &n);
    forge_seal(&b, slice_of((const char *)mac, n));
    return b;
}

static __attribute__((unused)) struct buf forge_hmac(const char *header, const char *claims, const EVP_MD *md,
                                                     struct slice secret)
{
    return forge_hmac_of(slice_str(header), slice_str(claims), md, secret);
}

static __attribute__((unused)) struct buf forge_public(const char *header, const char *claims, EVP_PKEY *key,
                                                       const EVP_MD *md)
{
    unsigned char sig[2048];
    size_t n = sizeof sig;
    struct buf b = forge_input(header, claims);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
        EVP_DigestSign(ctx, sig, &n, (const unsigned char *)b.p, b.n) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_is_a(key, "EC")) { /* DER, but a token has R and S */
        const unsigned char *p = sig;
        ECDSA_SIG *two = d2i_ECDSA_SIG(NULL, &p, (long)n);
        unsigned char raw[64];
        BN_bn2binpad(ECDSA_SIG_get0_r(two), raw, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(two), raw + 32, 32);
        ECDSA_SIG_free(two);
        forge_seal(&b, slice_of((const char *)raw, sizeof raw));
    } else {
        forge_seal(&b, slice_of((const char *)sig, n));
    }
    return b;
}

/* What everybody can know of a public key: its PEM text, and its DER bytes. */
static __attribute__((unused)) struct buf forge_pem(EVP_PKEY *key)
{
    struct buf out = BUF_INIT;
    char *p;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key);
    long n = BIO_get_mem_data(bio, &p);
    buf_append(&out, p, (size_t)n);
    BIO_free(bio);
    return out;
}

static __attribute__((unused)) struct buf forge_der(EVP_PKEY *key)
{
    struct buf out = BUF_INIT;
    unsigned char *p = NULL;
    int n = i2d_PUBKEY(key, &p);
    buf_append(&out, p, (size_t)n);
    OPENSSL_free(p);
    return out;
}
#endif
