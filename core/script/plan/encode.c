#include "script/plan/encode.h"

#include "base/number.h"
#include "pg/result/result.h"
#include "plan/json.h"
#include "script/db/rows.h"
#include "script/json/json.h"
#include "script/json/marks.h"
#include "script/json/raw.h"
#include "script/plan/written.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

struct frame { /* a field or an item on the way down */
    const struct frame *up;
    struct slice field; /* p NULL: an item */
    long long item;
};

struct encoder {
    lua_State *L;
    struct buf *out;
    char *err;
};

static int encode(struct encoder *e, int at, const struct plan_node *node, const struct frame *up);

static size_t write_path(char *out, size_t n, const struct frame *f)
{
    if (f == NULL)
        return 0;
    size_t used = write_path(out, n, f->up);
    int more = f->field.p != NULL ? snprintf(out + used, n - used, "%s%.*s", used ? "." : "", (int)f->field.n, f->field.p)
                                  : snprintf(out + used, n - used, "[%lld]", f->item);
    return more > 0 && used + (size_t)more < n ? used + (size_t)more : used;
}

static int refuse(struct encoder *e, const struct frame *up, const char *what)
{
    char path[ERR_MAX / 2] = "";
    write_path(path, sizeof path, up);
    return fail(e->err, "%s%s%s", path, path[0] ? ": " : "", what);
}

static int refuse_kind(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    char what[128];
    snprintf(what, sizeof what, "a %s is not what the schema declares (%s)", luaL_typename(e->L, at),
             plan_kind_names[node->kind]);
    return refuse(e, up, what);
}

static struct slice text_at(lua_State *L, int at)
{
    struct slice s;
    s.p = lua_tolstring(L, at, &s.n);
    return s;
}

static int encode_string(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    if (lua_type(e->L, at) != LUA_TSTRING)
        return refuse_kind(e, at, node, up);
    struct slice s = text_at(e->L, at);
    if (node->kind == PLAN_ENUM && plan_lookup_find(node->choice.lookup, s, 0) < 0)
        return refuse(e, up, "the value is not one of the schema's");
    json_write_string(e->out, s);
    return 0;
}

static int encode_integer(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    int exact;
    if (lua_type(e->L, at) != LUA_TNUMBER)
        return refuse_kind(e, at, node, up);
    lua_Integer v = lua_tointegerx(e->L, at, &exact);
    if (!exact)
        return refuse(e, up, "the number is no integer");
    json_write_int(e->out, v);
    return 0;
}

static int encode_number(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    if (lua_type(e->L, at) != LUA_TNUMBER)
        return refuse_kind(e, at, node, up);
    if (lua_isinteger(e->L, at))
        json_write_int(e->out, lua_tointeger(e->L, at));
    else if (json_write_double(e->out, lua_tonumber(e->L, at)) != 0)
        return refuse(e, up, "a number that is not finite cannot be JSON");
    return 0;
}

static int encode_decimal(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    char digits[NUMBER_TEXT_MAX];
    if (lua_type(e->L, at) == LUA_TSTRING) {
        json_write_string(e->out, text_at(e->L, at));
        return 0;
    }
    if (!lua_isinteger(e->L, at))
        return refuse_kind(e, at, node, up);
    buf_char(e->out, '"');
    buf_append(e->out, digits, number_write_i64(digits, lua_tointeger(e->L, at)));
    buf_char(e->out, '"');
    return 0;
}

static int encode_any(struct encoder *e, int at, const struct frame *up)
{
    char err[ERR_MAX];
    if (json_encode(e->L, at, e->out, err) == 0)
        return 0;
    err[ERR_MAX / 4] = 0;
    return refuse(e, up, err);
}

/* Rows of a query, as db.query and db.json return them; `one`: an object is wanted, so they must be one row. 1: written; 0:
 * the value is something else; -1: refused. */
static int encode_rows(struct encoder *e, int at, const struct plan_node *row, bool one, const struct frame *up)
{
    char err[ERR_MAX];
    int rc = one ? 0 : plan_written_encode(e->L, at, e->out, err);
    const struct db_rows *rows = rc == 0 ? userdata_test(e->L, at, USERDATA_ROWS) : NULL;
    if (rows != NULL && rows->res != NULL && row != NULL && row->kind == PLAN_OBJECT) {
        if (one && pg_result_rows(rows->res) != 1)
            return refuse(e, up, "one row was wanted, and the query had none or several");
        rc = plan_encode_rows(rows->res, row, one, e->out, err) == 0 ? 1 : -1;
    }
    if (rc >= 0)
        return rc;
    err[ERR_MAX / 4] = 0;
    return refuse(e, up, err);
}

static int encode_array(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    lua_State *L = e->L;
    const struct plan_node *items = node->array.items;
    if (lua_type(L, at) == LUA_TUSERDATA) {
        int rc = encode_rows(e, at, items, false, up);
        if (rc != 0)
            return rc > 0 ? 0 : -1;
    }
    if (lua_type(L, at) != LUA_TTABLE)
        return refuse_kind(e, at, node, up);
    int top = lua_gettop(L);
    size_t n = lua_rawlen(L, at);
    buf_char(e->out, '[');
    for (size_t i = 0; i < n; i++) {
        struct frame f = {up, {0}, (long long)i};
        if (i > 0)
            buf_char(e->out, ',');
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        int rc = items ? encode(e, lua_gettop(L), items, &f) : encode_any(e, lua_gettop(L), &f);
        lua_settop(L, top);
        if (rc != 0)
            return rc;
    }
    buf_char(e->out, ']');
    return 0;
}

/* True when the field is not written: nil is null where null is allowed, and absent where it may be absent. */
static bool is_left_out(lua_State *L, const struct plan_node *node)
{
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return node->optional || !node->nullable;
    return type == LUA_TLIGHTUSERDATA && !node->nullable && node->optional;
}

static int encode_object(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    lua_State *L = e->L;
    if (lua_type(L, at) == LUA_TUSERDATA) {
        int rc = encode_rows(e, at, node, true, up);
        if (rc != 0)
            return rc > 0 ? 0 : -1;
    }
    if (lua_type(L, at) != LUA_TTABLE)
        return refuse_kind(e, at, node, up);
    int top = lua_gettop(L);
    char before = '{';
    for (uint32_t i = 0; i < node->object.n; i++) {
        const struct plan_field *field = &node->object.fields[i];
        struct frame f = {up, field->name, 0};
        lua_pushlstring(L, field->name.p, field->name.n);
        lua_rawget(L, at);
        if (!is_left_out(L, field->node)) {
            buf_char(e->out, before);
            before = ',';
            buf_slice(e->out, field->key);
            if (encode(e, top + 1, field->node, &f) != 0)
                return -1;
        } else if (!field->node->optional) {
            return refuse(e, &f, "is missing");
        }
        lua_settop(L, top);
    }
    if (before == '{')
        buf_char(e->out, '{');
    buf_char(e->out, '}');
    return 0;
}

static int encode_map(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    lua_State *L = e->L;
    if (lua_type(L, at) != LUA_TTABLE)
        return refuse_kind(e, at, node, up);
    int top = lua_gettop(L);
    char before = '{';
    lua_pushnil(L);
    while (lua_next(L, at) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            return refuse(e, up, "a key is no string");
        struct frame f = {up, text_at(L, -2), 0};
        buf_char(e->out, before);
        before = ',';
        json_write_string(e->out, f.field);
        buf_char(e->out, ':');
        if ((node->map.values ? encode(e, lua_gettop(L), node->map.values, &f) : encode_any(e, lua_gettop(L), &f)) != 0)
            return -1;
        lua_settop(L, top + 1);
    }
    if (before == '{')
        buf_char(e->out, '{');
    buf_char(e->out, '}');
    return 0;
}

static int encode_union(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    lua_State *L = e->L;
    if (lua_type(L, at) != LUA_TTABLE)
        return refuse_kind(e, at, node, up);
    lua_pushlstring(L, node->variant.discriminator.p, node->variant.discriminator.n);
    lua_rawget(L, at);
    struct slice tag = {0};
    if (lua_type(L, -1) == LUA_TSTRING)
        tag = text_at(L, -1);
    int i = tag.p ? plan_lookup_find(node->variant.lookup, tag, 0) : -1;
    lua_pop(L, 1);
    struct frame f = {up, node->variant.discriminator, 0};
    if (i < 0)
        return refuse(e, &f, "the tag is not one of the schema's");
    return encode(e, at, node->variant.variants[i].node, up);
}

/* Text from a json column: written through the plan, so it has to become a value. The value takes its place on the stack. */
static void open_raw(lua_State *L, int at)
{
    if (lua_type(L, at) != LUA_TUSERDATA || lua_getmetatable(L, at) == 0)
        return;
    bool raw = lua_topointer(L, -1) == json_marks(L)->raw;
    lua_pop(L, 1);
    if (!raw)
        return;
    json_raw_decode(L, at);
    json_raw_push_value(L, at);
    lua_replace(L, at);
}

static int encode(struct encoder *e, int at, const struct plan_node *node, const struct frame *up)
{
    lua_State *L = e->L;
    luaL_checkstack(L, 8, "an answer is nested too deep");
    int type = lua_type(L, at);
    if (type == LUA_TNIL || (type == LUA_TLIGHTUSERDATA && lua_touserdata(L, at) == NULL)) {
        if (!node->nullable && node->kind != PLAN_ANY)
            return refuse(e, up, "is null");
        buf_lit(e->out, "null");
        return 0;
    }
    if (node->kind != PLAN_ANY)
        open_raw(L, at);
    switch (node->kind) {
    case PLAN_ANY:
        return encode_any(e, at, up);
    case PLAN_BOOLEAN:
        if (type != LUA_TBOOLEAN)
            return refuse_kind(e, at, node, up);
        buf_str(e->out, lua_toboolean(L, at) ? "true" : "false");
        return 0;
    case PLAN_INTEGER:
        return encode_integer(e, at, node, up);
    case PLAN_NUMBER:
        return encode_number(e, at, node, up);
    case PLAN_DECIMAL:
        return encode_decimal(e, at, node, up);
    case PLAN_LITERAL:
        return encode_any(e, at, up);
    case PLAN_ARRAY:
        return encode_array(e, at, node, up);
    case PLAN_OBJECT:
        return encode_object(e, at, node, up);
    case PLAN_MAP:
        return encode_map(e, at, node, up);
    case PLAN_UNION:
        return encode_union(e, at, node, up);
    default:
        return encode_string(e, at, node, up);
    }
}

int plan_encode(lua_State *L, int index, const struct plan_node *node, struct buf *out, char err[static ERR_MAX])
{
    struct encoder e = {L, out, err};
    size_t start = out->n;
    int top = lua_gettop(L);
    lua_pushvalue(L, index);
    int rc = encode(&e, top + 1, node, NULL);
    lua_settop(L, top);
    if (rc != 0)
        out->n = start;
    return rc;
}
