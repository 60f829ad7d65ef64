#ifndef SCRIPT_LIB_CRYPTO_H
#define SCRIPT_LIB_CRYPTO_H
/* random, uuid, hex and sha256, which neap.core hands on. */
#include <lua.h>

int lib_crypto_open(lua_State *L); /* pushes a table of the functions */
#endif
