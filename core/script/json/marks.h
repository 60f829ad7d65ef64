#ifndef SCRIPT_JSON_MARKS_H
#define SCRIPT_JSON_MARKS_H
/* The metatables by which neap.json tells its values apart, found without allocating. */
#include "script/json/json.h"

struct json_marks {
    const void *array, *object, *raw; /* the metatables' addresses; the registry keeps them */
};

enum json_mark { JSON_MARK_ARRAY, JSON_MARK_OBJECT, JSON_MARK_RAW };

/* Makes them in this state when they aren't there yet, which may raise for want of memory; later calls never do. */
const struct json_marks *json_marks(lua_State *L);
void json_marks_push(lua_State *L, enum json_mark mark); /* the metatable; after json_marks() raises nothing */

enum json_kind { JSON_KIND_PLAIN, JSON_KIND_ARRAY, JSON_KIND_OBJECT, JSON_KIND_RAW, JSON_KIND_ROW, JSON_KIND_WRITER };

/* By the metatable of the value, which is on top afterwards: but for JSON_KIND_PLAIN, that of everything without a mark. */
enum json_kind json_push_kind(lua_State *L, int index);
json_writer_fn json_writer(lua_State *L, int metatable); /* of JSON_KIND_WRITER */
#endif
