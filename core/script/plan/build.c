#include "script/plan/build.h"

#include "base/error.h"
#include "plan/json.h"
#include "script/json/json.h"
#include <lauxlib.h>
#include <math.h>

enum { LABELS_MAX = 8192 };

struct build {
    lua_State *L;
    struct plan *plan;
    int depth;
};

static struct plan_node *build_node(struct build *b, int at);

static struct slice keep(struct build *b, int index)
{
    size_t n;
    const char *s = lua_tolstring(b->L, index, &n);
    return slice_of(arena_dup(&b->plan->arena, s, n), n);
}

static bool flag(struct build *b, int at, const char *key)
{
    lua_getfield(b->L, at, key);
    bool yes = lua_toboolean(b->L, -1);
    lua_pop(b->L, 1);
    return yes;
}

static struct slice text(struct build *b, int at, const char *key)
{
    struct slice s = {0};
    if (lua_getfield(b->L, at, key) == LUA_TSTRING)
        s = keep(b, -1);
    lua_pop(b->L, 1);
    return s;
}

static int64_t integer(struct build *b, int at, const char *key, int64_t none)
{
    int64_t v = none;
    if (lua_getfield(b->L, at, key) != LUA_TNIL) {
        if (!lua_isinteger(b->L, -1))
            luaL_error(b->L, "%s must be an integer", key);
        v = lua_tointeger(b->L, -1);
    }
    lua_pop(b->L, 1);
    return v;
}

static double number(struct build *b, int at, const char *key, double none)
{
    double v = none;
    if (lua_getfield(b->L, at, key) != LUA_TNIL)
        v = luaL_checknumber(b->L, -1);
    lua_pop(b->L, 1);
    return v;
}

/* A Lua value of the declaration as a document: by way of JSON, so that it is judged like any other. */
static struct json_doc document(struct build *b, int index, const char *what)
{
    char err[ERR_MAX];
    struct buf out = BUF_INIT;
    if (json_encode(b->L, index, &out, err) != 0)
        luaL_error(b->L, "%s: %s", what, err);
    struct slice in = slice_of(arena_dup(&b->plan->arena, out.p, out.n), out.n);
    buf_free(&out);
    struct json_doc doc;
    struct json_error why;
    if (json_read(in, PLAN_DEPTH_MAX, &b->plan->arena, &doc, &why) != JSON_OK)
        luaL_error(b->L, "%s: %s", what, why.message);
    return doc;
}

static enum plan_kind kind_of(struct build *b, int at)
{
    lua_getfield(b->L, at, "kind");
    const char *name = luaL_checkstring(b->L, -1);
    for (int k = 0; k < PLAN_KIND_COUNT; k++) {
        if (strcmp(plan_kind_names[k], name) == 0) {
            lua_pop(b->L, 1);
            return (enum plan_kind)k;
        }
    }
    luaL_error(b->L, "'%s' is no kind of schema", name);
    return PLAN_ANY;
}

static struct slice *strings(struct build *b, int at, const char *key, uint32_t *n)
{
    *n = 0;
    if (lua_getfield(b->L, at, key) != LUA_TTABLE) {
        lua_pop(b->L, 1);
        return NULL;
    }
    size_t count = lua_rawlen(b->L, -1);
    struct slice *list = arena_alloc(&b->plan->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(b->L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(b->L, "%s must be strings", key);
        list[i] = keep(b, -1);
        lua_pop(b->L, 1);
    }
    lua_pop(b->L, 1);
    *n = (uint32_t)count;
    return list;
}

/* Pushes name -> reference, and at 1 how many there are. */
static void push_labels(lua_State *L)
{
    static const char labels_key;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &labels_key) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &labels_key);
}

/* labels, name -> the same; 0: there are too many. */
static uint32_t new_label(lua_State *L)
{
    int labels = lua_gettop(L) - 1;
    lua_rawgeti(L, labels, 1);
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (n >= LABELS_MAX)
        return 0;
    lua_pushvalue(L, labels + 1);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, labels + 1);
    lua_pushinteger(L, ref);
    lua_rawset(L, labels);
    lua_pushinteger(L, n + 1);
    lua_rawseti(L, labels, 1);
    return (uint32_t)ref;
}

/* A name as a string that the registry holds, by which json_push_doc has it without making it again for each request: a
 * reference to it, one for all plans of the state. It stays when its plan goes, so there is an end to them: a handler may
 * make schemas of names that its clients choose. */
static uint32_t label_of(lua_State *L, struct slice name)
{
    push_labels(L);
    lua_pushlstring(L, name.p, name.n);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    uint32_t label = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (label == 0)
        label = new_label(L);
    lua_pop(L, 2);
    return label;
}

/* The list at key: {{name_key = "title", node = {...}}, ...} */
static struct plan_field *members(struct build *b, int at, const char *key, const char *name_key, uint32_t *n)
{
    lua_State *L = b->L;
    if (lua_getfield(L, at, key) != LUA_TTABLE)
        luaL_error(L, "%s must be a list", key);
    int list = lua_gettop(L);
    size_t count = lua_rawlen(L, list);
    struct plan_field *fields = arena_alloc(&b->plan->arena, (count + 1) * sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        int pair = lua_gettop(L);
        fields[i] = (struct plan_field){.name = text(b, pair, name_key)};
        fields[i].label = label_of(L, fields[i].name);
        lua_getfield(L, pair, "node");
        fields[i].node = build_node(b, lua_gettop(L));
        lua_settop(L, list);
    }
    lua_settop(L, list - 1);
    *n = (uint32_t)count;
    return fields;
}

static struct plan_node *child(struct build *b, int at, const char *key)
{
    struct plan_node *node = NULL;
    if (lua_getfield(b->L, at, key) == LUA_TTABLE)
        node = build_node(b, lua_gettop(b->L));
    lua_pop(b->L, 1);
    return node;
}

static void fill_number(struct build *b, int at, struct plan_node *node)
{
    node->number.min = number(b, at, "min", -INFINITY);
    node->number.max = number(b, at, "max", INFINITY);
    node->number.exclusive_min = flag(b, at, "exclusive_min");
    node->number.exclusive_max = flag(b, at, "exclusive_max");
    node->number.multiple_of = number(b, at, "multiple_of", 0);
}

static void fill_object(struct build *b, int at, struct plan_node *node)
{
    struct slice extra = text(b, at, "extra");
    node->object.fields = members(b, at, "fields", "name", &node->object.n);
    node->object.extra = slice_eq(extra, SLICE_LIT("drop"))   ? PLAN_EXTRA_DROP
                         : slice_eq(extra, SLICE_LIT("keep")) ? PLAN_EXTRA_KEEP
                                                              : PLAN_EXTRA_REFUSE;
}

static void fill_literal(struct build *b, int at, struct plan_node *node)
{
    lua_getfield(b->L, at, "value");
    node->literal = document(b, lua_gettop(b->L), "value");
    lua_pop(b->L, 1);
}

static void fill_kind(struct build *b, int at, struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_STRING:
        node->string.trim = flag(b, at, "trim");
        node->string.lower = flag(b, at, "lower");
        node->string.pattern_text = text(b, at, "pattern");
        break;
    case PLAN_INTEGER:
        node->integer.exclusive_min = flag(b, at, "exclusive_min");
        node->integer.exclusive_max = flag(b, at, "exclusive_max");
        node->integer.multiple_of = integer(b, at, "multiple_of", 0);
        break;
    case PLAN_NUMBER:
        fill_number(b, at, node);
        break;
    case PLAN_DECIMAL:
        node->decimal.precision = (unsigned)integer(b, at, "precision", 0);
        node->decimal.scale = (unsigned)integer(b, at, "scale", 0);
        break;
    case PLAN_URL:
        node->url.schemes = strings(b, at, "schemes", &node->url.n_schemes);
        break;
    case PLAN_FILE:
        node->file.types = strings(b, at, "types", &node->file.n_types);
        break;
    case PLAN_ENUM:
        node->choice.values = strings(b, at, "values", &node->choice.n);
        break;
    case PLAN_LITERAL:
        fill_literal(b, at, node);
        break;
    case PLAN_ARRAY:
        node->array.items = child(b, at, "items");
        node->array.unique = flag(b, at, "unique");
        break;
    case PLAN_OBJECT:
        fill_object(b, at, node);
        break;
    case PLAN_MAP:
        node->map.keys = child(b, at, "keys");
        node->map.values = child(b, at, "values");
        break;
    case PLAN_UNION:
        node->variant.discriminator = text(b, at, "discriminator");
        node->variant.variants = members(b, at, "variants", "tag", &node->variant.n);
        break;
    default:
        break;
    }
}

static struct plan_node *build_node(struct build *b, int at)
{
    lua_State *L = b->L;
    luaL_checkstack(L, 16, "a schema is nested too deep");
    if (++b->depth > PLAN_DEPTH_MAX)
        luaL_error(L, "a schema is nested deeper than %d", PLAN_DEPTH_MAX);
    struct plan_node *node = plan_node_new(b->plan, kind_of(b, at));
    node->nullable = flag(b, at, "nullable");
    node->optional = flag(b, at, "optional");
    node->name = text(b, at, "name");
    node->message = text(b, at, "message");
    if (node->kind != PLAN_NUMBER) {
        node->min = integer(b, at, "min", INT64_MIN);
        node->max = integer(b, at, "max", INT64_MAX);
    }
    fill_kind(b, at, node);
    if (lua_getfield(L, at, "default") != LUA_TNIL) {
        node->has_default = true;
        node->fallback = document(b, lua_gettop(L), "default");
    }
    lua_pop(L, 1);
    b->depth--;
    return node;
}

static int build_protected(lua_State *L)
{
    struct build *b = lua_touserdata(L, 1);
    char err[ERR_MAX];
    struct plan_node *root = build_node(b, 2);
    if (plan_finish(b->plan, root, err) != 0)
        return luaL_error(L, "%s", err);
    return 0;
}

struct plan *plan_build(lua_State *L, int index)
{
    struct build b = {.L = L, .plan = plan_new()};
    index = lua_absindex(L, index);
    lua_pushcfunction(L, build_protected);
    lua_pushlightuserdata(L, &b);
    lua_pushvalue(L, index);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        plan_free(b.plan);
        lua_error(L);
    }
    return b.plan;
}
