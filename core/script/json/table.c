#include "base/quote.h"
#include "script/json/encoder.h"
#include "script/json/json.h"

static const char HOLES[] = "an array with holes cannot be JSON";

int json_encode_refuse_table(struct json_encoder *e, const char *what)
{
    e->frame->key = 0;
    return json_encode_refuse(e, what);
}

int json_encode_member(struct json_encoder *e, int key, struct slice text, char *before)
{
    e->frame->key = key;
    buf_char(e->out, *before);
    *before = ',';
    quote_json(e->out, text);
    buf_char(e->out, ':');
    return json_encode_value(e, key + 1);
}

static int encode_pairs(struct json_encoder *e, int at)
{
    char before = '{';

    if (json_encode_sorted(e, at, 0, &before) != 0)
        return -1;
    buf_char(e->out, '}');
    return 0;
}

/* ---- arrays ---- */

/* Whether the keys are the integers 1 to n and nothing else. */
static int check_sequence(struct json_encoder *e, int at, lua_Integer n)
{
    lua_State *L = e->L;
    lua_Integer seen = 0;

    lua_settop(L, at);
    lua_pushnil(L);
    for (; lua_next(L, at) != 0; seen++) {
        lua_settop(L, at + 1);
        if (lua_type(L, at + 1) == LUA_TSTRING)
            return json_encode_refuse_table(e, JSON_MIXED_KEYS);
        if (!lua_isinteger(L, at + 1))
            return json_encode_refuse_table(e, "a key that is no string and no integer cannot be JSON");
        lua_Integer key = lua_tointeger(L, at + 1);
        if (key < 1 || key > n)
            return json_encode_refuse_table(e, HOLES);
    }
    return seen == n ? 0 : json_encode_refuse_table(e, HOLES);
}

/* Its members don't lie in order: checked first, then written by number. */
static int encode_scattered(struct json_encoder *e, int at)
{
    lua_State *L = e->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, at);

    if (check_sequence(e, at, n) != 0)
        return -1;
    e->frame->key = at + 1;
    for (lua_Integer i = 1; i <= n; i++) {
        buf_char(e->out, i == 1 ? '[' : ',');
        lua_settop(L, at);
        lua_pushinteger(L, i);
        lua_rawgeti(L, at, i);
        if (json_encode_value(e, at + 2) != 0)
            return -1;
    }
    buf_char(e->out, ']');
    return 0;
}

/* From the first key on, in the table's own order, which is 1 to n for nearly all arrays: checked on the way. */
static int encode_sequence(struct json_encoder *e, int at)
{
    lua_State *L = e->L;
    size_t start = e->out->n;
    lua_Integer expected = 1;

    e->frame->key = at + 1;
    do {
        if (!lua_isinteger(L, at + 1) || lua_tointeger(L, at + 1) != expected) {
            e->out->n = start;
            return encode_scattered(e, at);
        }
        buf_char(e->out, expected++ == 1 ? '[' : ',');
        if (json_encode_value(e, at + 2) != 0)
            return -1;
        lua_settop(L, at + 1);
    } while (lua_next(L, at) != 0);
    buf_char(e->out, ']');
    return 0;
}

/* ---- rows: json_mark_rows says what their metatable has. The list of names lies at `at` + 1, then key and value ---- */

/* In place of the metatable. *n: how many there are; below zero when a name comes twice. False: a handler has been at the
 * metatable. */
static bool open_columns(lua_State *L, int at, lua_Integer *n)
{
    int columns = at + 1;

    bool found = lua_rawgeti(L, columns, 2) == LUA_TNUMBER;
    *n = lua_tointeger(L, -1);
    found &= lua_rawgeti(L, columns, 1) == LUA_TTABLE;
    lua_replace(L, columns);
    lua_settop(L, columns);
    return found;
}

/* Whether the column comes again later, as in "select a.*, b.*": then its value is written there. */
static bool is_repeated(lua_State *L, int columns, lua_Integer i)
{
    lua_rawgeti(L, columns, i);
    lua_rawget(L, columns);
    bool repeated = lua_tointeger(L, -1) != i;
    lua_pop(L, 1);
    return repeated;
}

/* *present: how many of the columns the row has. */
static int encode_columns(struct json_encoder *e, int at, lua_Integer n, char *before, lua_Integer *present)
{
    lua_State *L = e->L;
    int columns = at + 1, key = at + 2;
    bool unique = n >= 0;

    n = unique ? n : -n;
    *present = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        if (!unique && is_repeated(L, columns, i))
            continue;
        lua_rawgeti(L, columns, i);
        lua_pushvalue(L, key);
        *present += lua_rawget(L, at) != LUA_TNIL;
        if (lua_type(L, key) != LUA_TSTRING)
            return json_encode_refuse_table(e, JSON_MIXED_KEYS);
        if (json_encode_member(e, key, json_encode_text(e, key), before) != 0)
            return -1;
        lua_settop(L, columns);
    }
    return 0;
}

static lua_Integer count_keys(lua_State *L, int at)
{
    lua_Integer n = 0;
    int top = lua_gettop(L);

    lua_pushnil(L);
    for (; lua_next(L, at) != 0; n++)
        lua_settop(L, top + 1);
    return n;
}

static int encode_row(struct json_encoder *e, int at, lua_Integer columns)
{
    char before = '{';
    lua_Integer present;

    if (encode_columns(e, at, columns, &before, &present) != 0)
        return -1;
    if (count_keys(e->L, at) != present) { /* what is there beyond the columns was added by a handler */
        lua_pushnil(e->L);
        lua_next(e->L, at);
        if (json_encode_sorted(e, at, at + 1, &before) != 0)
            return -1;
    }
    if (before == '{')
        buf_char(e->out, '{');
    buf_char(e->out, '}');
    return 0;
}

/* ---- any table ---- */

static int encode_members(struct json_encoder *e, int at)
{
    lua_State *L = e->L;
    enum json_kind kind = json_push_kind(L, at);
    lua_Integer columns;

    if (kind == JSON_KIND_ROW && open_columns(L, at, &columns))
        return encode_row(e, at, columns);
    lua_settop(L, at);
    lua_pushnil(L);
    if (lua_next(L, at) == 0) {
        if (kind == JSON_KIND_ARRAY)
            buf_lit(e->out, "[]");
        else
            buf_lit(e->out, "{}");
        return 0;
    }
    if (lua_type(L, at + 1) != LUA_TSTRING)
        return kind != JSON_KIND_OBJECT ? encode_sequence(e, at)
                                        : json_encode_refuse_table(e, "an object's keys must be strings");
    return kind != JSON_KIND_ARRAY ? encode_pairs(e, at)
                                   : json_encode_refuse_table(e, "an array with string keys cannot be JSON");
}

int json_encode_table(struct json_encoder *e, int at)
{
    struct json_frame frame = {e->frame, at, 0};
    int top = lua_gettop(e->L);

    if (e->depth == JSON_ENCODE_DEPTH)
        return json_encode_refuse(e, json_path_is_cycle(e->L, e->frame, at) ? "a table that holds itself cannot be JSON"
                                                                            : "nested too deeply for JSON");
    if (e->depth > 0 && !lua_checkstack(e->L, JSON_STACK_SPARE))
        return json_encode_refuse(e, "out of memory");
    if (at != top) { /* the parts above look for what they push right above the table */
        lua_pushvalue(e->L, at);
        at = top + 1;
    }
    e->frame = &frame;
    e->depth++;
    int rc = encode_members(e, at);
    e->depth--;
    e->frame = frame.up;
    lua_settop(e->L, top);
    return rc;
}
