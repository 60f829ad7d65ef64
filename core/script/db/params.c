#include "script/db/db.h"

#include "base/mem.h"
#include "base/number.h"
#include "script/json/json.h"
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { TEXT_KEPT_MAX = 1 << 20 };

void db_params_free(struct db_state *db)
{
    buf_free(&db->text);
    free(db->values);
    free(db->lengths);
    free(db->offsets);
}

static void make_room(struct db_state *db, int n)
{
    if (n <= db->cap)
        return;
    db->cap = n < 16 ? 16 : n * 2;
    db->values = mem_realloc(db->values, (size_t)db->cap * sizeof *db->values);
    db->lengths = mem_realloc(db->lengths, (size_t)db->cap * sizeof *db->lengths);
    db->offsets = mem_realloc(db->offsets, (size_t)db->cap * sizeof *db->offsets);
}

/* Parameters are counted from 1; the columns of a COPY from -1 down. */
static const char *name_of(lua_State *L, int parameter)
{
    return parameter < 0 ? lua_pushfstring(L, "column %d", -parameter) : lua_pushfstring(L, "parameter $%d", parameter);
}

static bool has_metatable(lua_State *L, int index, const char *name)
{
    if (!lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, name);
    bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return same;
}

static void put_hex(struct buf *out, const char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    char *at = buf_reserve(out, n * 2);
    for (size_t i = 0; i < n; i++) {
        *at++ = digits[(unsigned char)p[i] >> 4];
        *at++ = digits[(unsigned char)p[i] & 15];
    }
    out->n += n * 2;
}

/* A float that is a whole number goes without ".0", so that n / 2 can be sent to an integer column. */
static void put_number(lua_State *L, int index, struct buf *out)
{
    char text[NUMBER_TEXT_MAX];

    if (lua_isinteger(L, index)) {
        buf_append(out, text, number_write_i64(text, lua_tointeger(L, index)));
        return;
    }
    double v = lua_tonumber(L, index);
    if (isnan(v))
        buf_lit(out, "NaN");
    else if (isinf(v))
        buf_str(out, v > 0 ? "Infinity" : "-Infinity");
    else if (fabs(v) < 9007199254740992.0 && v == floor(v) && !(v == 0 && signbit(v)))
        buf_append(out, text, number_write_i64(text, (int64_t)v));
    else
        buf_append(out, text, number_write_double(text, v));
}

static void put_quoted(struct buf *out, const char *p, size_t n)
{
    buf_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"' || p[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, p[i]);
    }
    buf_char(out, '"');
}

static void put_array(lua_State *L, int index, struct buf *out, int parameter, int depth);

static void put_json(lua_State *L, int index, struct buf *out, int parameter)
{
    char err[ERR_MAX];

    if (json_encode(L, index, out, err) != 0)
        luaL_error(L, "%s: %s", name_of(L, parameter), err);
}

static void put_element(lua_State *L, int index, struct buf *out, int parameter, int depth)
{
    size_t n, start;
    const char *p;

    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        p = lua_tolstring(L, index, &n);
        put_quoted(out, p, n);
        break;
    case LUA_TNUMBER:
        put_number(L, index, out);
        break;
    case LUA_TBOOLEAN:
        buf_str(out, lua_toboolean(L, index) ? "t" : "f");
        break;
    case LUA_TTABLE:
        if (has_metatable(L, index, DB_BYTES)) {
            lua_rawgeti(L, index, 1);
            p = lua_tolstring(L, -1, &n);
            buf_lit(out, "\"\\\\x");
            put_hex(out, p, n);
            buf_char(out, '"');
            lua_pop(L, 1);
        } else {
            put_array(L, index, out, parameter, depth + 1);
        }
        break;
    case LUA_TUSERDATA: { /* json.raw */
        struct buf json = BUF_INIT;
        char err[ERR_MAX];
        int rc = json_encode(L, index, &json, err);
        if (rc == 0)
            put_quoted(out, json.p, json.n);
        buf_free(&json);
        if (rc != 0)
            luaL_error(L, "%s: %s", name_of(L, parameter), err);
        break;
    }
    default:
        start = out->n;
        if (lua_isnil(L, index) || (lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL))
            buf_lit(out, "NULL");
        if (out->n == start)
            luaL_error(L, "%s: an array cannot hold a %s", name_of(L, parameter), luaL_typename(L, index));
    }
}

/* Postgres refuses more than six dimensions; a table that holds itself ends there too. */
static void put_array(lua_State *L, int index, struct buf *out, int parameter, int depth)
{
    if (depth > 6)
        luaL_error(L, "%s: an array has six dimensions at most", name_of(L, parameter));
    luaL_checkstack(L, 6, "too many dimensions");
    bool wrapped = has_metatable(L, index, DB_ARRAY);
    if (wrapped)
        lua_rawgeti(L, index, 1);
    else
        lua_pushvalue(L, index);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (wrapped) {
        lua_rawgeti(L, index, 2);
        n = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    buf_char(out, '{');
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            buf_char(out, ',');
        lua_rawgeti(L, -1, i);
        put_element(L, lua_gettop(L), out, parameter, depth);
        lua_pop(L, 1);
    }
    buf_char(out, '}');
    lua_pop(L, 1);
}

static void put_table(lua_State *L, int index, struct buf *out, int parameter)
{
    size_t n;

    if (has_metatable(L, index, DB_ARRAY)) {
        put_array(L, index, out, parameter, 1);
    } else if (has_metatable(L, index, DB_BYTES)) {
        lua_rawgeti(L, index, 1);
        const char *p = lua_tolstring(L, -1, &n);
        buf_lit(out, "\\x");
        put_hex(out, p, n);
        lua_pop(L, 1);
    } else {
        put_json(L, index, out, parameter);
    }
}

static void set_length(lua_State *L, struct db_state *db, int i, size_t n)
{
    if (n > INT_MAX)
        luaL_error(L, "parameter $%d: larger than 2 GB", i + 1);
    db->lengths[i] = (int)n;
}

bool db_write_value(lua_State *L, int index, int parameter, struct buf *out)
{
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        buf_char(out, lua_toboolean(L, index) ? 't' : 'f');
        return true;
    case LUA_TNUMBER:
        put_number(L, index, out);
        return true;
    case LUA_TTABLE:
        put_table(L, index, out, parameter);
        return true;
    case LUA_TUSERDATA:
        put_json(L, index, out, parameter);
        return true;
    case LUA_TNIL:
        return false;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == NULL) /* json.null */
            return false;
        /* fall through */
    default:
        luaL_error(L, "%s: a %s cannot be sent", name_of(L, parameter), luaL_typename(L, index));
        return false;
    }
}

static void read_parameter(lua_State *L, struct db_state *db, int i, int index)
{
    size_t n, start = db->text.n;

    db->values[i] = NULL;
    db->lengths[i] = 0;
    db->offsets[i] = 0;
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        db->values[i] = lua_tolstring(L, index, &n);
        set_length(L, db, i, n);
        return;
    case LUA_TBOOLEAN:
        db->values[i] = lua_toboolean(L, index) ? "t" : "f";
        db->lengths[i] = 1;
        return;
    default:
        if (!db_write_value(L, index, i + 1, &db->text))
            return;
    }
    set_length(L, db, i, db->text.n - start);
    db->offsets[i] = start + 1;
    buf_char(&db->text, '\0');
}

void db_read_values(lua_State *L, struct db_state *db, int at, struct pg_statement *st)
{
    int n = lua_gettop(L) - at + 1;

    make_room(db, n);
    if (db->text.cap > TEXT_KEPT_MAX)
        buf_free(&db->text);
    buf_clear(&db->text);
    for (int i = 0; i < n; i++)
        read_parameter(L, db, i, at + i);
    for (int i = 0; i < n; i++) /* only now, because `text` moved while it grew */
        if (db->offsets[i] > 0)
            db->values[i] = db->text.p + db->offsets[i] - 1;
    st->n = n;
    st->values = db->values;
    st->lengths = db->lengths;
}

struct pg_statement db_read_text(lua_State *L, int at)
{
    size_t n;
    const char *sql = luaL_checklstring(L, at, &n);

    return (struct pg_statement){.sql = slice_of(sql, n), .hash = statement_hash(slice_of(sql, n))};
}

struct pg_statement db_read_statement(lua_State *L, struct db_state *db, int at)
{
    struct pg_statement st = db_read_text(L, at);

    db_read_values(L, db, at + 1, &st);
    return st;
}

/* array(t [, n]): n where the table ends in nils. */
int db_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer n = luaL_optinteger(L, 2, (lua_Integer)lua_rawlen(L, 1));
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, n);
    lua_rawseti(L, -2, 2);
    luaL_setmetatable(L, DB_ARRAY);
    return 1;
}

int db_bytes(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    luaL_setmetatable(L, DB_BYTES);
    return 1;
}
