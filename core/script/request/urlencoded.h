#ifndef SCRIPT_REQUEST_URLENCODED_H
#define SCRIPT_REQUEST_URLENCODED_H
/* Percent-encoding, RFC 3986 2.1, and application/x-www-form-urlencoded (WHATWG URL 5.1). */
#include "base/slice.h"
#include <lua.h>

/* Pushes the decoded text; plus: "+" is a blank (queries, not paths). A "%" that two hex digits do not follow stays as it
 * is: heads with such a target were refused before. */
void urlencoded_push(lua_State *L, struct slice s, bool plus);
/* Pushes {name = value}; a name given twice has an array of its values. At most 1,000 pairs. */
void urlencoded_push_table(lua_State *L, struct slice s);
#endif
