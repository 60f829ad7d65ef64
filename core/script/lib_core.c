#include "script/lib_core.h"

#include "base/edit_distance.h"
#include "redis/redis.h"
#include "script/auth/lib_password.h"
#include "script/lib_crypto.h"
#include "script/plan/lib_plan.h"
#include "script/request/lib_route.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/spawn.h"
#include <lauxlib.h>
#include <libpq-fe.h>
#include <llhttp.h>
#include <openssl/crypto.h>
#include <uv.h>

static int l_versions(lua_State *L)
{
    char text[64];
    lua_newtable(L);
    lua_pushstring(L, engine_env(L)->version);
    lua_setfield(L, -2, "neap");
    lua_pushliteral(L, LUA_RELEASE);
    lua_setfield(L, -2, "lua");
    lua_pushstring(L, uv_version_string());
    lua_setfield(L, -2, "libuv");
    snprintf(text, sizeof text, "%d.%d.%d", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
    lua_pushstring(L, text);
    lua_setfield(L, -2, "llhttp");
    snprintf(text, sizeof text, "%d.%d", PQlibVersion() / 10000, PQlibVersion() % 10000);
    lua_pushstring(L, text);
    lua_setfield(L, -2, "libpq");
    lua_pushstring(L, redis_library_version());
    lua_setfield(L, -2, "hiredis");
    lua_pushstring(L, OpenSSL_version(OPENSSL_VERSION_STRING));
    lua_setfield(L, -2, "openssl");
    return 1;
}

static void set_string(lua_State *L, const char *key, const char *value)
{
    if (value == NULL)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

/* Which process of which machine this is: what a lease is held by. */
static void add_process(lua_State *L)
{
    char name[UV_MAXHOSTNAMESIZE];
    size_t n = sizeof name;
    if (uv_os_gethostname(name, &n) == 0)
        set_string(L, "hostname", name);
    lua_pushinteger(L, uv_os_getpid());
    lua_setfield(L, -2, "pid");
}

static void add_facts(lua_State *L, const struct script_env *env)
{
    static const char *const modes[] = {[SCRIPT_SERVE] = "serve", [SCRIPT_DEV] = "dev", [SCRIPT_TOOL] = "tool"};
    set_string(L, "mode", modes[env->mode]);
    set_string(L, "app_dir", env->app_dir);
    set_string(L, "home", env->home);
    set_string(L, "program", env->program);
    add_process(L);
    if (env->as.id[0] != 0) {
        lua_createtable(L, 0, 3);
        set_string(L, "id", env->as.id);
        set_string(L, "email", env->as.email);
        set_string(L, "role", env->as.role);
        lua_setfield(L, -2, "as");
    }
    if (env->mode != SCRIPT_TOOL) {
        lua_pushinteger(L, env->slot);
        lua_setfield(L, -2, "worker");
        return;
    }
    lua_createtable(L, env->argc, 0);
    for (int i = 0; i < env->argc; i++) {
        lua_pushstring(L, env->argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "args");
}

/* (a, b) -> mistakes between two names */
static int l_edit_distance(lua_State *L)
{
    lua_pushinteger(L, edit_distance(lua_slice_check(L, 1), lua_slice_check(L, 2)));
    return 1;
}

/* Moves the functions of the table on top into the one below it. */
static void merge(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

int luaopen_neap_core(lua_State *L)
{
    lua_newtable(L);
    add_facts(L, engine_env(L));
    lua_pushcfunction(L, l_versions);
    lua_setfield(L, -2, "versions");
    lua_pushcfunction(L, l_edit_distance);
    lua_setfield(L, -2, "edit_distance");
    lib_crypto_open(L);
    merge(L);
    lib_time_add(L);
    lib_log_add(L);
    lib_route_add(L);
    lib_plan_add(L);
    lib_host_add(L);
    lib_spawn_add(L);
    lib_edges_add(L);
    lib_pages_add(L);
    lib_password_add(L);
    lib_auth_add(L);
    return 1;
}
