#ifndef SCRIPT_JSON_MARKS_H
#define SCRIPT_JSON_MARKS_H
/* The metatables by which neap.json tells its values apart, found without allocating. */
#include <lua.h>

struct json_marks {
    const void *array, *object, *raw; /* the metatables' addresses; the registry keeps them */
};

enum json_mark { JSON_MARK_ARRAY, JSON_MARK_OBJECT, JSON_MARK_RAW };

/* Makes them in this state when they aren't there yet, which may raise for want of memory; later calls never do. */
const struct json_marks *json_marks(lua_State *L);
/* The same, but NULL instead of raising. */
const struct json_marks *json_marks_protected(lua_State *L);
void json_marks_push(lua_State *L, enum json_mark mark); /* the metatable; after json_marks() raises nothing */
/* Push the strings JSON_WRITER_FIELD and JSON_COLUMNS_FIELD without making them. */
void json_marks_push_writer_field(lua_State *L);
void json_marks_push_columns_field(lua_State *L);
#endif
