#include "script/db/rows.h"

#include "base/number.h"
#include "pg/result/binary.h"
#include "script/json/json.h"
#include "script/json/marks.h"
#include <lauxlib.h>
#include <stdlib.h>

/* A float of Postgres may be NaN or Infinity, which strtod reads like everything else that Postgres writes. */
static void push_float(lua_State *L, struct slice text)
{
    double v;

    if (number_read_double(text, &v) != NUMBER_OK)
        v = strtod(text.p, NULL);
    lua_pushnumber(L, v);
}

static void push_integer(lua_State *L, struct slice text)
{
    int64_t v;

    if (number_read_i64(text, &v) == NUMBER_OK)
        lua_pushinteger(L, v);
    else
        lua_pushlstring(L, text.p, text.n);
}

/* Decoded in place of a buffer of ours, which would leak when Lua has no memory. */
static void push_bytea(lua_State *L, struct slice text)
{
    luaL_Buffer b;
    size_t n = text.n > 2 ? (text.n - 2) / 2 : 0;
    char *p = luaL_buffinitsize(L, &b, n > 0 ? n : 1);

    if (pg_decode_bytea(p, text)) {
        luaL_pushresultsize(&b, n);
    } else {
        luaL_pushresultsize(&b, 0);
        lua_pop(L, 1);
        lua_pushlstring(L, text.p, text.n);
    }
}

static void push_array(lua_State *L, enum pg_type element_type, struct slice text);

static void push_element(lua_State *L, enum pg_type type, struct slice text, bool is_null, bool is_array)
{
    if (is_null)
        json_push_null(L);
    else if (is_array)
        push_array(L, type, text);
    else
        db_cell_push(L, type, PG_TEXT, text);
}

/* The reader's buffer is freed by a userdata, for when an element raises. */
static int reader_gc(lua_State *L)
{
    pg_array_end(lua_touserdata(L, 1));
    return 0;
}

static struct pg_array_reader *new_reader(lua_State *L)
{
    struct pg_array_reader *r = lua_newuserdatauv(L, sizeof *r, 0);

    *r = (struct pg_array_reader){0};
    if (luaL_newmetatable(L, "neap.db.array_reader")) {
        lua_pushcfunction(L, reader_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return r;
}

static void push_array(lua_State *L, enum pg_type element_type, struct slice text)
{
    struct slice element;
    bool is_null, is_array;
    lua_Integer n = 0;

    luaL_checkstack(L, 8, "too many dimensions");
    struct pg_array_reader *r = new_reader(L);
    if (!pg_array_begin(r, text)) {
        lua_pop(L, 1);
        lua_pushlstring(L, text.p, text.n);
        return;
    }
    lua_createtable(L, 0, 0);
    while (pg_array_next(r, &element, &is_null, &is_array)) {
        push_element(L, element_type, element, is_null, is_array);
        lua_rawseti(L, -2, ++n);
    }
    pg_array_end(r);
    json_marks(L);
    json_marks_push(L, JSON_MARK_ARRAY);
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

void db_cell_push(lua_State *L, enum pg_type type, enum pg_type element, struct slice text)
{
    char time[64];

    switch (type) {
    case PG_BOOL:
        lua_pushboolean(L, text.n > 0 && text.p[0] == 't');
        break;
    case PG_INT:
        push_integer(L, text);
        break;
    case PG_FLOAT:
        push_float(L, text);
        break;
    case PG_TIMESTAMPTZ:
    case PG_TIMESTAMP:
        lua_pushlstring(L, time, pg_write_timestamp(time, text, type == PG_TIMESTAMPTZ));
        break;
    case PG_JSON:
        json_push_raw(L, text);
        break;
    case PG_BYTEA:
        push_bytea(L, text);
        break;
    case PG_ARRAY:
        push_array(L, element, text);
        break;
    case PG_TEXT:
    case PG_NUMERIC:
    case PG_UUID:
    case PG_DATE:
        lua_pushlstring(L, text.p, text.n);
        break;
    }
}

void db_cell_push_binary(lua_State *L, const struct pg_result *res, int row, int column)
{
    char room[BINARY_TEXT_MAX];
    struct slice cell;
    Oid oid;

    if (!pg_result_binary(res, row, column, &cell, &oid)) {
        lua_pushnil(L);
        return;
    }
    switch (pg_result_type(res, column)) {
    case PG_BOOL:
        lua_pushboolean(L, binary_int(cell) != 0);
        break;
    case PG_INT:
        lua_pushinteger(L, binary_int(cell));
        break;
    case PG_TIMESTAMPTZ:
    case PG_TIMESTAMP:
        cell = binary_time(oid, cell, room);
        lua_pushlstring(L, cell.p, cell.n);
        break;
    case PG_JSON:
        json_push_raw(L, binary_text(oid, cell, room));
        break;
    default:
        cell = binary_text(oid, cell, room);
        lua_pushlstring(L, cell.p, cell.n);
    }
}
