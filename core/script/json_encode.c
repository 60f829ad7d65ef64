#include "base/number.h"
#include "base/quote.h"
#include "script/json.h"
#include "script/json_marks.h"
#include "script/json_path.h"
#include "script/json_raw.h"

/* A member's key lies on the stack right below its value, at every level, and stays there when something is wrong: that is
 * how json_path can tell where. */
struct encoder {
    lua_State *L;
    struct buf *out;
    const struct json_marks *marks;
    int root; /* stack index of the value that was asked for */
    int depth;
    char *err;
};

static int encode_value(struct encoder *e, int at);

static int refuse(struct encoder *e, int at, const char *what)
{
    json_path_fail(e->L, e->root, at, what, e->err);
    return -1;
}

static void put_text(struct encoder *e, int at)
{
    size_t n;
    const char *p = lua_tolstring(e->L, at, &n);
    quote_json(e->out, slice_of(p, n));
}

static int encode_number(struct encoder *e, int at)
{
    int is_integer;
    lua_Integer i = lua_tointegerx(e->L, at, &is_integer);

    if (is_integer && lua_isinteger(e->L, at))
        json_write_int(e->out, i);
    else if (json_write_double(e->out, lua_tonumber(e->L, at)) != 0)
        return refuse(e, at, "a number that is not finite cannot be JSON");
    return 0;
}

/* From the first key on, which is a string and lies at `at` + 1. */
static int encode_pairs(struct encoder *e, int at)
{
    lua_State *L = e->L;
    char before = '{';

    do {
        if (lua_type(L, at + 1) != LUA_TSTRING)
            return refuse(e, at, "string keys and others in one table cannot be JSON");
        buf_char(e->out, before);
        before = ',';
        put_text(e, at + 1);
        buf_char(e->out, ':');
        if (encode_value(e, at + 2) != 0)
            return -1;
        lua_settop(L, at + 1);
    } while (lua_next(L, at) != 0);
    buf_char(e->out, '}');
    return 0;
}

/* Whether the keys are the integers 1 to n and nothing else. */
static int check_sequence(struct encoder *e, int at, lua_Integer n)
{
    lua_State *L = e->L;
    lua_Integer seen = 0;

    lua_settop(L, at);
    lua_pushnil(L);
    for (; lua_next(L, at) != 0; seen++) {
        lua_settop(L, at + 1);
        if (lua_type(L, at + 1) == LUA_TSTRING)
            return refuse(e, at, "string keys and others in one table cannot be JSON");
        if (!lua_isinteger(L, at + 1))
            return refuse(e, at, "a key that is no string and no integer cannot be JSON");
        lua_Integer key = lua_tointeger(L, at + 1);
        if (key < 1 || key > n)
            return refuse(e, at, "an array with holes cannot be JSON");
    }
    return seen == n ? 0 : refuse(e, at, "an array with holes cannot be JSON");
}

/* Its members don't lie in order: checked first, then written by number. */
static int encode_scattered(struct encoder *e, int at)
{
    lua_State *L = e->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, at);

    if (check_sequence(e, at, n) != 0)
        return -1;
    for (lua_Integer i = 1; i <= n; i++) {
        buf_char(e->out, i == 1 ? '[' : ',');
        lua_pushinteger(L, i);
        lua_rawgeti(L, at, i);
        if (encode_value(e, at + 2) != 0)
            return -1;
        lua_settop(L, at);
    }
    buf_char(e->out, ']');
    return 0;
}

/* From the first key on, in the table's own order, which is 1 to n for nearly all arrays: checked on the way. */
static int encode_sequence(struct encoder *e, int at)
{
    lua_State *L = e->L;
    size_t start = e->out->n;
    lua_Integer expected = 1;

    do {
        if (!lua_isinteger(L, at + 1) || lua_tointeger(L, at + 1) != expected) {
            e->out->n = start;
            return encode_scattered(e, at);
        }
        buf_char(e->out, expected++ == 1 ? '[' : ',');
        if (encode_value(e, at + 2) != 0)
            return -1;
        lua_settop(L, at + 1);
    } while (lua_next(L, at) != 0);
    buf_char(e->out, ']');
    return 0;
}

static const void *metatable_of(lua_State *L, int at)
{
    if (lua_getmetatable(L, at) == 0)
        return NULL;
    const void *mt = lua_topointer(L, -1);
    lua_pop(L, 1);
    return mt;
}

static int encode_members(struct encoder *e, int at)
{
    lua_State *L = e->L;
    const void *mt = metatable_of(L, at);
    bool is_array = mt == e->marks->array, is_object = mt == e->marks->object;

    lua_pushnil(L);
    if (lua_next(L, at) == 0) {
        if (is_array)
            buf_lit(e->out, "[]");
        else
            buf_lit(e->out, "{}");
        return 0;
    }
    if (lua_type(L, at + 1) != LUA_TSTRING)
        return is_object ? refuse(e, at, "an object's keys must be strings") : encode_sequence(e, at);
    return is_array ? refuse(e, at, "an array with string keys cannot be JSON") : encode_pairs(e, at);
}

static int encode_table(struct encoder *e, int at)
{
    if (e->depth == JSON_ENCODE_DEPTH)
        return refuse(e, at, json_path_is_cycle(e->L, e->root, at) ? "a table that holds itself cannot be JSON"
                                                                   : "nested too deeply for JSON");
    if (!lua_checkstack(e->L, 8))
        return refuse(e, at, "out of memory");
    e->depth++;
    int rc = encode_members(e, at);
    e->depth--;
    return rc;
}

/* Once somebody has looked inside, the decoded value counts: it may have been changed. */
static int encode_raw(struct encoder *e, int at)
{
    json_raw_push_value(e->L, at);
    if (!lua_isnil(e->L, -1)) {
        lua_replace(e->L, at);
        return encode_value(e, at);
    }
    lua_pop(e->L, 1);
    json_raw_push_text(e->L, at);
    size_t n;
    const char *p = lua_tolstring(e->L, -1, &n);
    buf_append(e->out, p, n);
    lua_pop(e->L, 1);
    return 0;
}

static int encode_userdata(struct encoder *e, int at)
{
    lua_State *L = e->L;
    json_writer_fn write = NULL;

    if (!lua_checkstack(L, 8))
        return refuse(e, at, "out of memory");
    const void *mt = metatable_of(L, at);
    if (mt == e->marks->raw)
        return encode_raw(e, at);
    if (mt != NULL) {
        lua_getmetatable(L, at);
        json_marks_push_writer_field(L);
        if (lua_rawget(L, -2) == LUA_TLIGHTUSERDATA)
            write = (json_writer_fn)lua_touserdata(L, -1);
        lua_pop(L, 2);
    }
    if (write == NULL)
        return refuse(e, at, "a userdata cannot be JSON");
    write(L, at, e->out);
    return 0;
}

static int encode_value(struct encoder *e, int at)
{
    switch (lua_type(e->L, at)) {
    case LUA_TSTRING:
        put_text(e, at);
        return 0;
    case LUA_TNUMBER:
        return encode_number(e, at);
    case LUA_TTABLE:
        return encode_table(e, at);
    case LUA_TBOOLEAN:
        if (lua_toboolean(e->L, at))
            buf_lit(e->out, "true");
        else
            buf_lit(e->out, "false");
        return 0;
    case LUA_TNIL:
        buf_lit(e->out, "null");
        return 0;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(e->L, at) != NULL)
            return refuse(e, at, "a userdata cannot be JSON");
        buf_lit(e->out, "null");
        return 0;
    case LUA_TUSERDATA:
        return encode_userdata(e, at);
    case LUA_TFUNCTION:
        return refuse(e, at, "a function cannot be JSON");
    default:
        return refuse(e, at, "a coroutine cannot be JSON");
    }
}

int json_encode(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    int top = lua_gettop(L);
    size_t start = out->n;

    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 8))
        return fail(err, "out of memory");
    struct encoder e = {.L = L, .out = out, .marks = json_marks_protected(L), .root = top + 1, .err = err};
    if (e.marks == NULL)
        return fail(err, "out of memory");
    lua_pushvalue(L, index);
    int rc = encode_value(&e, e.root);
    lua_settop(L, top);
    if (rc != 0)
        out->n = start;
    return rc;
}
