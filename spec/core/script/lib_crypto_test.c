#include "core/script/lib_crypto.c"
#include "spec/core/script/bare_state.h"

static lua_State *open_state(void)
{
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
        lib_crypto_open(L);
        lua_setglobal(L, "crypto");
    }
    return L;
}

TEST("sha256 gives the digests of FIPS 180-2")
{
    lua_State *L = open_state();
    CHECK_RUN(L, "return crypto.hex(crypto.sha256(''))", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_RUN(L, "return crypto.hex(crypto.sha256('abc'))",
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_RUN(L, "return crypto.hex(crypto.sha256(('a'):rep(1000000)))",
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST("hex writes each byte as two lower-case digits")
{
    CHECK_RUN(open_state(), "return crypto.hex('\\0\\x0f\\xf0\\xff z')", "000ff0ff207a");
    CHECK_RUN(open_state(), "return crypto.hex('')", "");
}

TEST("random gives as many bytes as asked for, other ones each time")
{
    CHECK_RUN(open_state(), "return #crypto.random(0) .. ' ' .. #crypto.random(33) .. ' ' .. #crypto.random(4096)",
              "0 33 4096");
    CHECK_RUN(open_state(), "return tostring(crypto.random(16) == crypto.random(16))", "false");
}

TEST("random refuses a negative and a huge number of bytes")
{
    CHECK_RUN_SAYS(open_state(), "return crypto.random(-1)", "must be between 0 and 4096");
    CHECK_RUN_SAYS(open_state(), "return crypto.random(4097)", "must be between 0 and 4096");
}

TEST("uuid gives version 4")
{
    CHECK_RUN(open_state(), "return tostring(crypto.uuid():match('^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$') ~= nil)",
              "true");
}
