#include "base/number.h"
#include "base/quote.h"
#include "script/json/encoder.h"
#include "script/json/json.h"
#include "script/json/raw.h"
#include <stdlib.h>

int json_encode_refuse(struct json_encoder *e, const char *what)
{
    json_path_fail(e->L, e->frame, what, e->err);
    return -1;
}

struct slice json_encode_text(struct json_encoder *e, int at)
{
    struct slice text;
    text.p = lua_tolstring(e->L, at, &text.n);
    return text;
}

int json_encode_kind(struct json_encoder *e, int at, enum json_kind *kind)
{
    *kind = JSON_KIND_PLAIN;
    if (lua_getmetatable(e->L, at) == 0)
        return 0;
    const void *mt = lua_topointer(e->L, -1);
    lua_pop(e->L, 1);
    if (e->marks == NULL && (e->marks = json_marks_protected(e->L)) == NULL)
        return json_encode_refuse(e, "out of memory");
    if (mt == e->marks->array)
        *kind = JSON_KIND_ARRAY;
    else if (mt == e->marks->object)
        *kind = JSON_KIND_OBJECT;
    else if (mt == e->marks->raw)
        *kind = JSON_KIND_RAW;
    else
        *kind = JSON_KIND_OTHER;
    return 0;
}

static int encode_number(struct json_encoder *e, int at)
{
    if (lua_isinteger(e->L, at))
        json_write_int(e->out, lua_tointeger(e->L, at));
    else if (json_write_double(e->out, lua_tonumber(e->L, at)) != 0)
        return json_encode_refuse(e, "a number that is not finite cannot be JSON");
    return 0;
}

/* Once somebody has looked inside, the decoded value counts: it may have been changed. */
static int encode_raw(struct json_encoder *e, int at)
{
    lua_State *L = e->L;

    json_raw_push_value(L, at);
    if (!lua_isnil(L, -1)) {
        lua_replace(L, at);
        return json_encode_value(e, at);
    }
    lua_pop(L, 1);
    json_raw_push_text(L, at);
    buf_slice(e->out, json_encode_text(e, -1));
    lua_pop(L, 1);
    return 0;
}

static json_writer_fn writer_of(lua_State *L, int at)
{
    json_writer_fn write = NULL;
    lua_getmetatable(L, at);
    json_marks_push_writer_field(L);
    if (lua_rawget(L, -2) == LUA_TLIGHTUSERDATA)
        write = (json_writer_fn)lua_touserdata(L, -1);
    lua_pop(L, 2);
    return write;
}

static int encode_userdata(struct json_encoder *e, int at)
{
    enum json_kind kind;

    if (json_encode_kind(e, at, &kind) != 0)
        return -1;
    if (kind == JSON_KIND_RAW)
        return encode_raw(e, at);
    json_writer_fn write = kind == JSON_KIND_OTHER ? writer_of(e->L, at) : NULL;
    if (write == NULL)
        return json_encode_refuse(e, "a userdata cannot be JSON");
    char why[ERR_MAX];
    return write(e->L, at, e->out, why) == 0 ? 0 : json_encode_refuse(e, why);
}

int json_encode_value(struct json_encoder *e, int at)
{
    switch (lua_type(e->L, at)) {
    case LUA_TSTRING:
        quote_json(e->out, json_encode_text(e, at));
        return 0;
    case LUA_TNUMBER:
        return encode_number(e, at);
    case LUA_TTABLE:
        return json_encode_table(e, at);
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
            return json_encode_refuse(e, "a userdata cannot be JSON");
        buf_lit(e->out, "null");
        return 0;
    case LUA_TUSERDATA:
        return encode_userdata(e, at);
    case LUA_TFUNCTION:
        return json_encode_refuse(e, "a function cannot be JSON");
    default:
        return json_encode_refuse(e, "a coroutine cannot be JSON");
    }
}

static void start_encoder(struct json_encoder *e, lua_State *L, struct buf *out, char *err)
{
    e->L = L;
    e->out = out;
    e->marks = NULL;
    e->frame = NULL;
    e->depth = 0;
    e->keys = e->keys_inline;
    e->keys_n = 0;
    e->keys_cap = JSON_KEYS_INLINE;
    e->err = err;
}

int json_encode(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    struct json_encoder e; /* not cleared whole: the room for keys is most of it */
    int top = lua_gettop(L);
    size_t start = out->n;

    index = lua_absindex(L, index);
    if (!lua_checkstack(L, JSON_STACK_SPARE + 1))
        return fail(err, "out of memory");
    start_encoder(&e, L, out, err);
    lua_pushvalue(L, index); /* a raw value is replaced in place, and the caller's must stay */
    int rc = json_encode_value(&e, top + 1);
    lua_settop(L, top);
    if (e.keys != e.keys_inline)
        free(e.keys);
    if (rc != 0)
        out->n = start;
    return rc;
}
