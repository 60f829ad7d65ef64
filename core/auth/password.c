#include "auth/password.h"

#include "base/mem.h"
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

enum { SALT_BYTES = 16 };

enum password_status password_check(struct slice password)
{
    if (password.n > PASSWORD_BYTES_MAX)
        return PASSWORD_TOO_LONG;
    return password.n > 0 && memchr(password.p, 0, password.n) != NULL ? PASSWORD_HAS_NUL : PASSWORD_OK;
}

static bool is_bcrypt_text(char c)
{
    return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

unsigned password_cost(struct slice hash)
{
    const char *p = hash.p;
    if (hash.n != PASSWORD_HASH_BYTES || p[0] != '$' || p[1] != '2' || (p[2] != 'a' && p[2] != 'b' && p[2] != 'y') ||
        p[3] != '$' || p[4] < '0' || p[4] > '3' || p[5] < '0' || p[5] > '9' || p[6] != '$')
        return 0;
    for (size_t i = 7; i < PASSWORD_HASH_BYTES; i++)
        if (!is_bcrypt_text(p[i]))
            return 0;
    unsigned cost = (unsigned)(p[4] - '0') * 10 + (unsigned)(p[5] - '0');
    return cost >= PASSWORD_COST_MIN && cost <= PASSWORD_COST_MAX ? cost : 0;
}

bool password_is_current(struct slice hash, unsigned cost)
{
    return password_cost(hash) >= cost && hash.p[2] == 'b';
}

/* setting: a hash, or what a salt is made of. The result has PASSWORD_HASH_BYTES bytes and a NUL. */
static enum password_status run(struct slice password, const char *setting, char out[static PASSWORD_HASH_BYTES + 1])
{
    char text[PASSWORD_BYTES_MAX + 1];
    enum password_status status = password_check(password);
    if (status != PASSWORD_OK)
        return status;
    struct crypt_data *data = mem_zalloc(sizeof *data); /* 32 KiB: not for the stack of a thread */
    memcpy(text, password.p ? password.p : "", password.n);
    text[password.n] = 0;
    const char *hash = crypt_rn(text, setting, data, (int)sizeof *data);
    if (hash == NULL || strlen(hash) != PASSWORD_HASH_BYTES)
        status = PASSWORD_FAILED;
    else
        memcpy(out, hash, PASSWORD_HASH_BYTES + 1);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return status;
}

enum password_status password_hash(struct slice password, unsigned cost, char out[static PASSWORD_HASH_BYTES + 1])
{
    char salt[SALT_BYTES], setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (getentropy(salt, sizeof salt) != 0 || /* the page of random.h belongs to one thread */
        crypt_gensalt_rn("$2b$", cost, salt, sizeof salt, setting, (int)sizeof setting) == NULL)
        return PASSWORD_FAILED;
    return run(password, setting, out);
}

enum password_status password_verify(struct slice password, struct slice hash)
{
    char setting[PASSWORD_HASH_BYTES + 1], out[PASSWORD_HASH_BYTES + 1];
    if (password_cost(hash) == 0)
        return PASSWORD_FAILED;
    memcpy(setting, hash.p, PASSWORD_HASH_BYTES);
    setting[PASSWORD_HASH_BYTES] = 0;
    enum password_status status = run(password, setting, out);
    if (status == PASSWORD_OK && CRYPTO_memcmp(out, setting, PASSWORD_HASH_BYTES) != 0)
        status = PASSWORD_WRONG;
    OPENSSL_cleanse(out, sizeof out);
    return status;
}
