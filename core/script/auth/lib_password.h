#ifndef SCRIPT_AUTH_LIB_PASSWORD_H
#define SCRIPT_AUTH_LIB_PASSWORD_H
#include <lua.h>

void lib_password_add(lua_State *L); /* password_hash, password_verify and password_is_current, to the table on top */
#endif
