#ifndef SCRIPT_JSON_RAW_H
#define SCRIPT_JSON_RAW_H
/* The value of json.raw: a text until somebody looks inside, from then on the value that it was decoded to. */
#include <lua.h>

void json_raw_methods(lua_State *L); /* fills the metatable on top */
/* The userdata at index. Raises nothing. */
void json_raw_push_text(lua_State *L, int index);
void json_raw_push_value(lua_State *L, int index); /* nil while nobody has looked */
/* Decodes it when that is still to be done. Raises when the text is no valid JSON. */
void json_raw_decode(lua_State *L, int index);
#endif
