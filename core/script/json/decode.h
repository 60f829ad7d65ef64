#ifndef SCRIPT_JSON_DECODE_H
#define SCRIPT_JSON_DECODE_H
#include "plan/json.h"
#include <lua.h>

/* Pushes the value of the string at index. JSON_OK; or nothing is pushed and err says why. Raises when there is no memory
 * and leaks nothing then. */
enum json_status json_decode(lua_State *L, int index, struct json_error *err) __attribute__((warn_unused_result));
#endif
