#include "script/sandbox/sandbox.h"
#include "base/buf.h"
#include "script/sandbox/sandbox_globals.h"
#include <lauxlib.h>

enum { UNDECLARED_TOLD_MAX = 10 };

static const char env_key; /* its address is the key of the environment in the registry */

static void push_env(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
}

/* ---- functions that stand in for Lua's ---- */

/* load and loadfile: text only, and the application's environment unless another is given. */
static int load_as_text(lua_State *L, int mode_index)
{
    lua_settop(L, lua_gettop(L) > mode_index ? mode_index + 1 : mode_index);
    lua_pushliteral(L, "t");
    lua_replace(L, mode_index);
    if (lua_gettop(L) == mode_index)
        push_env(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int l_load(lua_State *L)
{
    luaL_checkany(L, 1);
    return load_as_text(L, 3);
}

static int l_loadfile(lua_State *L)
{
    luaL_checkstring(L, 1);
    return load_as_text(L, 2);
}

static int dofile_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    return lua_gettop(L) - (int)ctx;
}

static int l_dofile(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (luaL_loadfilex(L, path, "t") != LUA_OK)
        return lua_error(L);
    push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_callk(L, 0, LUA_MULTRET, 1, dofile_k);
    return dofile_k(L, LUA_OK, 1);
}

/* As Lua's, but a metatable with __gc is refused: a finalizer runs where no limit on time or memory can reach it. */
static int l_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a metatable with __gc is not for application code: use a <close> variable");
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* require "os" gives the application's os. */
static int l_require(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TTABLE)
        return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* The collector is the whole worker's: a handler may ask it and give it work, not stop it or change how it goes. */
static int l_collectgarbage(lua_State *L)
{
    static const char *const allowed[] = {"collect", "count", "isrunning", "step", NULL};
    luaL_checkoption(L, 1, "collect", allowed);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* package.loaded as the application sees it: Lua's own table, upvalue 1, but for the libraries that are narrowed, upvalue
 * 2. Lua's require goes on with its own, so a module that is taken out here is loaded again. */
static int l_loaded_index(lua_State *L)
{
    for (int i = 2; i >= 1; i--) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(i)) != LUA_TNIL)
            return 1;
    }
    return 1;
}

static int l_loaded_newindex(lua_State *L)
{
    lua_rawset(L, lua_upvalueindex(1));
    return 0;
}

static int l_loaded_pairs(lua_State *L)
{
    lua_getglobal(L, "next");
    lua_newtable(L);
    for (int i = 1; i <= 2; i++) {
        for (lua_pushnil(L); lua_next(L, lua_upvalueindex(i));) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        }
    }
    return 2;
}

/* ---- the environment ---- */

/* Globals that came later than the sandbox, as those of busted, are seen through upvalue 1. */
static int l_env_index(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    return luaL_error(L, "undeclared global '%s'", luaL_tolstring(L, 2, NULL));
}

static int l_env_newindex(lua_State *L)
{
    return luaL_error(L, "undeclared global '%s' (declare it local)", luaL_tolstring(L, 2, NULL));
}

/* Pushes a copy of the table on top without the names in `without`. */
static void push_copy(lua_State *L, const char *const *without)
{
    lua_newtable(L); /* the copy is above what is copied */
    for (lua_pushnil(L); lua_next(L, -3);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    for (; *without; without++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *without);
    }
}

/* Sets env[name] and restricted[name] to a copy; env is at 1, restricted at 2. */
static void narrow(lua_State *L, const char *name, const char *const *without)
{
    if (lua_getglobal(L, name) == LUA_TTABLE) {
        push_copy(L, without);
        lua_pushvalue(L, -1);
        lua_setfield(L, 2, name);
        lua_setfield(L, 1, name);
    }
    lua_settop(L, 2);
}

static void narrow_loaded(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"__index", l_loaded_index}, {"__newindex", l_loaded_newindex}, {"__pairs", l_loaded_pairs}, {NULL, NULL}};
    lua_getfield(L, 2, "package");
    lua_newtable(L); /* package.loaded */
    lua_newtable(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, 2);
    luaL_setfuncs(L, functions, 2);
    lua_pushliteral(L, "package.loaded");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "loaded");
    lua_settop(L, 2);
}

static void restrict_libraries(lua_State *L)
{
    static const char *const os[] = {"exit", "execute", "setlocale", NULL};
    static const char *const io[] = {"popen", NULL};
    static const char *const package[] = {"loadlib", "searchers", NULL};
    static const char *const debug[] = {
        "debug",      "getregistry",    "getupvalue",   "getuservalue", "sethook",     "setlocal", "setmetatable",
        "setupvalue", "setcstacklimit", "setuservalue", "upvalueid",    "upvaluejoin", NULL,
    };
    narrow(L, "os", os);
    narrow(L, "io", io);
    narrow(L, "package", package);
    narrow(L, "debug", debug);
    narrow_loaded(L);
}

/* A closure over Lua's own function of that name. */
static void stand_in(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getglobal(L, name);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, fn, 2);
    lua_setfield(L, 1, name);
}

static int install(lua_State *L)
{
    static const luaL_Reg stand_ins[] = {
        {"load", l_load},       {"loadfile", l_loadfile},
        {"dofile", l_dofile},   {"setmetatable", l_setmetatable},
        {"require", l_require}, {"collectgarbage", l_collectgarbage},
        {NULL, NULL},
    };
    static const char *const nothing[] = {NULL};
    lua_settop(L, 0);
    lua_pushglobaltable(L);
    push_copy(L, nothing);
    lua_remove(L, 1);
    lua_newtable(L);
    restrict_libraries(L);
    for (const luaL_Reg *r = stand_ins; r->name; r++)
        stand_in(L, r->name, r->func);
    lua_pushvalue(L, 1);
    lua_setfield(L, 1, "_G");
    lua_pushvalue(L, 1);
    lua_setfield(L, 2, "_G");
    lua_pushnil(L); /* looked up each time: a service makes it a log line, after this */
    lua_setfield(L, 1, "print");

    lua_createtable(L, 0, 3);
    lua_pushglobaltable(L);
    lua_pushcclosure(L, l_env_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_env_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "neap.globals");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
    return 0;
}

void sandbox_install(lua_State *L)
{
    lua_pushcfunction(L, install);
    lua_call(L, 0, 0);
}

/* ---- the check before a chunk runs ---- */

static int on_dump(lua_State *L, const void *p, size_t n, void *out)
{
    (void)L;
    buf_append(out, p, n);
    return 0;
}

/* With the environment on top. Only reads: a write is never declared. */
static bool is_declared(lua_State *L, struct slice name)
{
    lua_pushlstring(L, name.p, name.n);
    bool found = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
    if (found)
        return true;
    lua_pushglobaltable(L);
    lua_pushlstring(L, name.p, name.n);
    found = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 2);
    return found;
}

static bool is_told(const struct global_uses *uses, size_t i)
{
    const struct global_use *use = &uses->list[i];
    for (size_t j = i; j > 0 && uses->list[j - 1].line == use->line; j--) {
        if (slice_eq(uses->list[j - 1].name, use->name) && uses->list[j - 1].is_write == use->is_write)
            return true;
    }
    return false;
}

static void describe(struct buf *out, const char *name, const struct global_use *use, bool declared)
{
    const char *what = declared ? "assignment to global" : "undeclared global";
    buf_printf(out, "%s%s:%d: %s '%.*s'%s", out->n ? "\n" : "", name, use->line, what, (int)use->name.n, use->name.p,
               use->is_write ? " (declare it local)" : "");
}

/* A line for each use that is wrong, none when all is well. */
static void find_undeclared(lua_State *L, const char *name, const struct global_uses *uses, struct buf *out)
{
    unsigned found = 0;
    push_env(L);
    for (size_t i = 0; i < uses->n; i++) {
        const struct global_use *use = &uses->list[i];
        bool declared = is_declared(L, use->name);
        if ((declared && !use->is_write) || is_told(uses, i))
            continue;
        if (found++ < UNDECLARED_TOLD_MAX)
            describe(out, name, use, declared);
    }
    lua_pop(L, 1);
    if (found > UNDECLARED_TOLD_MAX)
        buf_printf(out, "\nand %u more", found - UNDECLARED_TOLD_MAX);
}

void sandbox_enter(lua_State *L, const char *name)
{
    struct buf dump = BUF_INIT, problems = BUF_INIT;
    struct global_uses uses;
    lua_dump(L, on_dump, &dump, 0);
    if (global_uses_read(buf_view(&dump), &uses)) {
        find_undeclared(L, name, &uses, &problems);
        global_uses_free(&uses);
    }
    buf_free(&dump);
    push_env(L);
    if (lua_setupvalue(L, -2, 1) == NULL)
        lua_pop(L, 1);
    if (problems.n == 0)
        return;
    lua_pushlstring(L, problems.p, problems.n);
    buf_free(&problems);
    lua_error(L);
}
