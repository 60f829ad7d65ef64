#include "script/plan/lib_plan.h"

#include "base/arena.h"
#include "plan/check.h"
#include "script/json/json.h"
#include "script/plan/build.h"
#include "script/plan/encode.h"
#include "script/plan/written.h"
#include "script/runtime/env.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

static const char plan_metatable[] = "neap.plan";

const struct plan *lib_plan_check(lua_State *L, int index)
{
    struct plan **box = luaL_checkudata(L, index, plan_metatable);
    return *box;
}

/* plan(node) -> plan */
static int l_plan(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct plan **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, plan_metatable);
    *box = plan_build(L, 1);
    return 1;
}

static int l_gc(lua_State *L)
{
    struct plan **box = luaL_checkudata(L, 1, plan_metatable);
    plan_free(*box);
    *box = NULL;
    return 0;
}

struct checking { /* a userdata, so that the arena goes whatever is raised */
    struct arena arena;
    struct buf text;
};

static int checking_gc(lua_State *L)
{
    struct checking *c = lua_touserdata(L, 1);
    arena_free(&c->arena);
    buf_free(&c->text);
    return 0;
}

static struct checking *checking_new(lua_State *L)
{
    struct checking *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct checking){0};
    if (luaL_newmetatable(L, "neap.plan.checking")) {
        lua_pushcfunction(L, checking_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return c;
}

static void read_doc(lua_State *L, struct checking *c, struct slice in, struct json_doc *doc)
{
    struct json_error why;
    if (json_read(in, engine_env(L)->limits->json_depth_max, &c->arena, doc, &why) != JSON_OK)
        luaL_error(L, "%s", why.message);
}

/* plan:check(value[, "text"[, root]]) -> the checked value, or nil and the list of errors. For specs and tools; requests are
 * checked without making a Lua value first. */
static int l_check(lua_State *L)
{
    static const char *const sources[] = {"json", "text", NULL};
    const struct plan *plan = lib_plan_check(L, 1);
    luaL_checkany(L, 2);
    enum plan_source source = (enum plan_source)luaL_checkoption(L, 3, "json", sources);
    const char *root = luaL_optstring(L, 4, "value");
    struct checking *c = checking_new(L);
    char err[ERR_MAX];
    if (json_encode(L, 2, &c->text, err) != 0)
        return luaL_error(L, "%s", err);
    struct json_doc doc, out;
    read_doc(L, c, buf_view(&c->text), &doc);
    struct plan_errors *errs = arena_alloc(&c->arena, sizeof *errs);
    *errs = (struct plan_errors){0};
    if (plan_check(plan, &doc, 0, source, root, &c->arena, &out, errs) == 0) {
        json_push_doc(L, &out);
        return 1;
    }
    struct buf *text = &c->text;
    size_t start = text->n;
    plan_errors_write(errs, text);
    read_doc(L, c, slice_of(text->p + start, text->n - start), &doc);
    lua_pushnil(L);
    json_push_doc(L, &doc);
    return 2;
}

/* plan:encode(value) -> JSON */
static int l_encode(lua_State *L)
{
    const struct plan *plan = lib_plan_check(L, 1);
    luaL_checkany(L, 2);
    struct checking *c = checking_new(L);
    char err[ERR_MAX];
    if (plan_encode(L, 2, plan->root, &c->text, err) != 0)
        return luaL_error(L, "%s", err);
    lua_pushlstring(L, c->text.p, c->text.n);
    return 1;
}

void lib_plan_add(lua_State *L)
{
    static const luaL_Reg methods[] = {{"check", l_check}, {"encode", l_encode}, {"rows", plan_written_new}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", l_gc}, {NULL, NULL}};
    userdata_metatable(L, plan_metatable, methods, meta, NULL);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_plan);
    lua_setfield(L, -2, "plan");
}
