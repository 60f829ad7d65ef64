#include "script/db/rows.h"

#include "pg/result/shape.h"
#include "script/json/json.h"
#include "script/runtime/engine.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

enum { CACHE = 1 };                     /* user value: rows that were looked at */
enum { COLUMNS = 1, COLUMN_COUNT = 2 }; /* in the metatable of a row: json_mark_rows */
enum { SHAPES_KNOWN_MAX = 512 };

static const char shapes_known; /* its address is the registry's key of: shape id -> metatable of its rows; [0]: how many */

/* Lua does not see how large a result is: without a word its collector would let too many of them lie, and each new one
 * would be written to memory that is in no cache. The share is measured: of a page of 100 rows, whole sizes cost 6% more
 * instructions for as little memory. */
enum { GC_TOLD_MIN = 64 * 1024, GC_TOLD_SHARE = 4 };

/* The columns in their order: the JSON encoder writes a row by them, so that one that is NULL is null and not missing. */
static void make_row_metatable(lua_State *L, const struct pg_result *res)
{
    int n = pg_result_columns(res);

    lua_createtable(L, 2, 2);
    lua_pushliteral(L, DB_ROW);
    lua_setfield(L, -2, "__name");
    lua_createtable(L, n, n);
    bool unique = true;
    for (int i = 0; i < n; i++) {
        struct slice name = pg_result_name(res, i);
        lua_pushlstring(L, name.p, name.n);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, i + 1);
        lua_pushvalue(L, -1);
        unique &= lua_rawget(L, -3) == LUA_TNIL;
        lua_pop(L, 1);
        lua_pushinteger(L, i + 1);
        lua_rawset(L, -3);
    }
    lua_rawseti(L, -2, COLUMNS);
    lua_pushinteger(L, unique ? n : -n);
    lua_rawseti(L, -2, COLUMN_COUNT);
    json_mark_rows(L, -1);
}

/* The rows of a statement share it, whichever connection they came by. */
void db_row_push_meta(lua_State *L, const struct pg_result *res)
{
    lua_Integer id = (lua_Integer)pg_result_shape(res)->id, known;

    luaL_checkstack(L, 6, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shapes_known);
    if (lua_rawgeti(L, -1, id) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_rawgeti(L, -1, 0);
        known = lua_tointeger(L, -1);
        lua_pop(L, 1);
        if (known >= SHAPES_KNOWN_MAX) {
            lua_pop(L, 1);
            lua_createtable(L, 0, 0);
            lua_pushvalue(L, -1);
            lua_rawsetp(L, LUA_REGISTRYINDEX, &shapes_known);
            known = 0;
        }
        lua_pushinteger(L, known + 1);
        lua_rawseti(L, -2, 0);
        make_row_metatable(L, res);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, id);
    }
    lua_replace(L, -2);
}

/* The row's metatable is on top; the row takes its place. */
void db_row_push(lua_State *L, const struct pg_result *res, int row)
{
    int n = pg_result_columns(res), meta = lua_gettop(L);

    luaL_checkstack(L, 6, NULL);
    if (lua_rawgeti(L, meta, COLUMNS) != LUA_TTABLE)
        luaL_error(L, "the metatable of rows was changed");
    lua_createtable(L, 0, n);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, meta + 1, i + 1);
        if (pg_result_is_binary(res))
            db_cell_push_binary(L, res, row, i);
        else if (pg_result_is_null(res, row, i))
            lua_pushnil(L);
        else
            db_cell_push(L, pg_result_type(res, i), pg_result_element_type(res, i), pg_result_text(res, row, i));
        lua_rawset(L, -3);
    }
    lua_pushvalue(L, meta);
    lua_setmetatable(L, -2);
    lua_replace(L, meta);
    lua_settop(L, meta);
}

static void tell_collector(lua_State *L, size_t bytes)
{
    struct engine *e = engine_of(L);

    e->results_bytes += bytes;
    if (e->results_bytes >= GC_TOLD_MIN) {
        lua_gc(L, LUA_GCSTEP, (int)(e->results_bytes / GC_TOLD_SHARE >> 10));
        e->results_bytes = 0;
    }
}

void db_rows_push(lua_State *L, struct pg_result **owned)
{
    struct db_rows *r = lua_newuserdatauv(L, sizeof *r, 1);

    r->res = NULL;
    userdata_set_class(L, USERDATA_ROWS);
    r->res = *owned;
    *owned = NULL;
    tell_collector(L, pg_result_bytes(r->res));
}

static struct db_rows *check_rows(lua_State *L)
{
    struct db_rows *r = userdata_check(L, 1, USERDATA_ROWS);

    if (r->res == NULL)
        luaL_error(L, "these rows were closed");
    return r;
}

/* A row is made once, so that what a handler writes into it stays. */
static int push_cached_row(lua_State *L, struct db_rows *r, lua_Integer i)
{
    if (lua_getiuservalue(L, 1, CACHE) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 0);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, CACHE);
    }
    if (lua_rawgeti(L, -1, i) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    db_row_push_meta(L, r->res);
    db_row_push(L, r->res, (int)i - 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, i);
    return 1;
}

static int rows_index(lua_State *L)
{
    struct db_rows *r = check_rows(L);

    if (lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2);
        if (i < 1 || i > pg_result_rows(r->res))
            return 0;
        return push_cached_row(L, r, i);
    }
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(key, "affected") == 0) {
        lua_pushinteger(L, pg_result_affected(r->res));
        return 1;
    }
    if (strcmp(key, "columns") == 0) {
        make_row_metatable(L, r->res); /* one of its own, that may be changed */
        lua_rawgeti(L, -1, COLUMNS);
        return 1;
    }
    return 0;
}

static int rows_newindex(lua_State *L)
{
    return luaL_error(L, "rows cannot be replaced: change the fields of a row, or build a table");
}

static int rows_len(lua_State *L)
{
    lua_pushinteger(L, pg_result_rows(check_rows(L)->res));
    return 1;
}

static int rows_next(lua_State *L)
{
    struct db_rows *r = check_rows(L);
    lua_Integer i = luaL_optinteger(L, 2, 0) + 1;

    lua_settop(L, 1);
    if (i > pg_result_rows(r->res))
        return 0;
    push_cached_row(L, r, i);
    lua_pushinteger(L, i);
    lua_insert(L, -2);
    return 2;
}

static int rows_pairs(lua_State *L)
{
    lua_pushcfunction(L, rows_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int rows_close(lua_State *L)
{
    struct db_rows *r = userdata_check(L, 1, USERDATA_ROWS);

    pg_result_free(r->res);
    r->res = NULL;
    return 0;
}

static int rows_tostring(lua_State *L)
{
    struct db_rows *r = userdata_check(L, 1, USERDATA_ROWS);

    lua_pushfstring(L, DB_ROWS ": %d rows", r->res ? pg_result_rows(r->res) : 0);
    return 1;
}

/* Rows that a handler has looked at may have been changed and are written as the tables that they are now. */
static int write_row(lua_State *L, struct pg_result *res, int cache, int row, struct buf *out, char err[static ERR_MAX])
{
    int rc = 0;

    if (cache == 0 || lua_rawgeti(L, cache, row + 1) == LUA_TNIL)
        pg_result_write_row(res, row, out);
    else
        rc = json_encode(L, -1, out, err);
    if (cache > 0)
        lua_pop(L, 1);
    return rc;
}

static int write_json(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    struct db_rows *r = lua_touserdata(L, index);
    int top = lua_gettop(L), rc = 0;

    if (r->res == NULL)
        return fail(err, "rows that were closed cannot be JSON");
    if (lua_getiuservalue(L, index, CACHE) == LUA_TTABLE) {
        buf_char(out, '[');
        for (int row = 0; row < pg_result_rows(r->res) && rc == 0; row++) {
            if (row > 0)
                buf_char(out, ',');
            rc = write_row(L, r->res, top + 1, row, out, err);
        }
        buf_char(out, ']');
    } else {
        pg_result_write_rows(r->res, out);
    }
    lua_settop(L, top);
    return rc;
}

void db_rows_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"__index", rows_index}, {"__newindex", rows_newindex}, {"__len", rows_len},           {"__pairs", rows_pairs},
        {"__gc", rows_close},    {"__close", rows_close},       {"__tostring", rows_tostring}, {NULL, NULL},
    };

    lua_createtable(L, 0, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shapes_known);
    luaL_newmetatable(L, DB_ROWS);
    userdata_class_is(L, USERDATA_ROWS);
    luaL_setfuncs(L, methods, 0);
    json_mark_writer(L, -1, write_json);
    lua_pop(L, 1);
}
