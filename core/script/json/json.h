#ifndef SCRIPT_JSON_H
#define SCRIPT_JSON_H
/* JSON to Lua values and back. Arrays carry the metatable "neap.json.array", null is a light userdata (the NULL pointer,
 * like lua-cjson's), integers stay integers and floats floats. */
#include "base/buf.h"
#include "base/error.h"
#include "plan/json.h"
#include <lua.h>

enum { JSON_ENCODE_DEPTH = 64 };

/* Pushes the document as one Lua value. Raises when there is no memory: for protected calls only. */
void json_push_doc(lua_State *L, const struct json_doc *doc);
void json_push_null(lua_State *L);
/* Pushes a value that is written as it is and decoded when a handler looks inside. The text must be valid JSON. Raises
 * when there is no memory. */
void json_push_raw(lua_State *L, struct slice text);

/* Appends the value. Raises nothing and calls no Lua: tables are read raw. 0; or -1 with `out` as it was and the reason,
 * which names the place: "items[3].due_at: a function cannot be JSON". A table is an array when its keys are 1 to n and
 * n > 0, or when it is marked. Objects are written in the order of their keys' bytes (up to 1,000 keys), so that equal
 * values have equal texts. */
int json_encode(lua_State *L, int index, struct buf *out, char err[static ERR_MAX]) __attribute__((warn_unused_result));

/* A userdata with a metatable that was marked so writes itself: it appends one value, raises nothing and leaves the stack
 * as it was. 0, or -1 with a reason. */
typedef int (*json_writer_fn)(lua_State *L, int index, struct buf *out, char err[static ERR_MAX]);
void json_mark_writer(lua_State *L, int metatable, json_writer_fn write);
/* A table with a metatable that was marked so is a row: it is written by the list that the metatable has at 1,
 * {"id", "name", id = 1, name = 2}, in its order, null where the row has nothing; other members follow. At 2 is the number
 * of names, below zero when one of them comes twice. So a row of a query keeps its columns that are NULL. */
void json_mark_rows(lua_State *L, int metatable);

int luaopen_neap_json(lua_State *L); /* neap.json */
#endif
