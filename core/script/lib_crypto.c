#include "script/lib_crypto.h"
#include "base/random.h"
#include <lauxlib.h>
#include <openssl/evp.h>

/* Keys, salts and tokens take 16 to 64 bytes; a page of them is a mistake in the caller. */
enum { RANDOM_BYTES_MAX = 4096, SHA256_BYTES = 32 };

static int l_random(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    luaL_argcheck(L, n >= 0 && n <= RANDOM_BYTES_MAX, 1, "must be between 0 and 4096");

    unsigned char bytes[RANDOM_BYTES_MAX];
    random_bytes(bytes, (size_t)n);
    lua_pushlstring(L, (const char *)bytes, (size_t)n);
    return 1;
}

static int l_uuid(lua_State *L)
{
    char text[UUID_TEXT];
    random_uuid(text);
    lua_pushlstring(L, text, sizeof(text));
    return 1;
}

static int l_hex(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);

    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, n * 2);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        out[2 * i] = digits[c >> 4];
        out[2 * i + 1] = digits[c & 15];
    }
    luaL_pushresultsize(&b, n * 2);
    return 1;
}

static int l_sha256(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);

    unsigned char digest[SHA256_BYTES];
    if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
        return luaL_error(L, "SHA-256 is not available in this OpenSSL");
    lua_pushlstring(L, (const char *)digest, sizeof(digest));
    return 1;
}

static const luaL_Reg functions[] = {
    {"random", l_random}, {"uuid", l_uuid}, {"hex", l_hex}, {"sha256", l_sha256}, {NULL, NULL},
};

int lib_crypto_open(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
