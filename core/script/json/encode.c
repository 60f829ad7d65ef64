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

static int encode_userdata(struct json_encoder *e, int at)
{
    json_writer_fn write = NULL;
    int top = lua_gettop(e->L);

    switch (json_push_kind(e->L, at)) {
    case JSON_KIND_RAW:
        lua_settop(e->L, top);
        return encode_raw(e, at);
    case JSON_KIND_WRITER:
        write = json_writer(e->L, -1);
        break;
    default:
        break;
    }
    lua_settop(e->L, top);
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
