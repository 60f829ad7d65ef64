/* neap.core.db: what lua/neap/db.lua is made of. */
#include "script/db/lib_db.h"
#include "script/db/call.h"
#include "script/db/listen.h"
#include "script/db/pin.h"
#include "script/db/rows.h"
#include "script/runtime/env.h"
#include <lauxlib.h>

static int l_query(lua_State *L)
{
    return db_call(L, DB_WANT_ROWS, POOL_ANY, "db.query");
}

static int l_read(lua_State *L)
{
    return db_call(L, DB_WANT_ROWS, POOL_READS, "db.read");
}

static int l_one(lua_State *L)
{
    return db_call(L, DB_WANT_ONE, POOL_ANY, "db.one");
}

static int l_exec(lua_State *L)
{
    return db_call(L, DB_WANT_COUNT, POOL_WRITES, "db.exec");
}

static int l_script(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    return db_call(L, DB_WANT_NOTHING, POOL_OWN, "db.script");
}

/* ---- what it looks like ---- */

static void set_count(lua_State *L, const char *key, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}

/* A string, or false where there is no database. */
static int l_pool_status(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct pool_status s = {.size = 0};

    if (db->env->pool)
        pool_status(db->env->pool, &s);
    lua_createtable(L, 0, 16);
    set_count(L, "size", s.size);
    set_count(L, "idle", s.idle);
    set_count(L, "busy", s.busy);
    set_count(L, "waiting", s.waiting);
    set_count(L, "max", s.max);
    set_count(L, "connecting", s.connecting);
    set_count(L, "acquired", s.acquired);
    set_count(L, "line_full", s.line_full);
    set_count(L, "waited", s.waited);
    set_count(L, "leaked", s.leaked);
    set_count(L, "connects", s.connects);
    set_count(L, "connect_failures", s.connect_failures);
    set_count(L, "lost", s.lost);
    lua_pushboolean(L, s.available);
    lua_setfield(L, -2, "available");
    if (s.last_error[0]) {
        lua_pushstring(L, s.last_error);
        lua_setfield(L, -2, "last_error");
    }
    return 1;
}

/* Whether what the running task does outside of a transaction is done on the specs' own connection. */
static int l_is_pinned(lua_State *L)
{
    const struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));

    lua_pushboolean(L, db->pin && db_task_of(script_task(L))->top == NULL);
    return 1;
}

static int state_gc(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, 1);

    db_params_free(db);
    return 0;
}

static const luaL_Reg statements[] = {
    {"query", l_query}, {"read", l_read}, {"one", l_one}, {"exec", l_exec}, {"script", l_script}, {NULL, NULL},
};

static const luaL_Reg others[] = {
    {"all", db_all},
    {"many", db_many},
    {"begin", db_begin},
    {"ping", db_ping},
    {"pool_status", l_pool_status},
    {"array", db_array},
    {"bytes", db_bytes},
    {"pin", db_pin},
    {"unpin", db_unpin},
    {"slow", db_slow},
    {"listen", db_listen},
    {"each", db_each},
    {"copy_in", db_copy_in},
    {"copy_out", db_copy_out},
    {"is_pinned", l_is_pinned},
    {NULL, NULL},
};

static void push_state(lua_State *L)
{
    struct db_state *db = lua_newuserdatauv(L, sizeof *db, 0);

    *db = (struct db_state){.env = engine_env(L)};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
}

/* The functions of db, and once more in a table `tx`, where they insist on a transaction of the running task. */
int luaopen_neap_core_db(lua_State *L)
{
    db_error_open(L);
    db_rows_open(L);
    db_lease_open(L);
    db_listen_open(L);
    db_each_open(L);
    db_copy_open(L);
    luaL_newmetatable(L, DB_ARRAY);
    luaL_newmetatable(L, DB_BYTES);
    lua_pop(L, 2);
    push_state(L);
    int state = lua_gettop(L);
    lua_createtable(L, 0, 16);
    lua_pushvalue(L, state);
    lua_pushboolean(L, 0);
    luaL_setfuncs(L, statements, 2);
    lua_pushvalue(L, state);
    luaL_setfuncs(L, others, 1);
    lua_createtable(L, 0, 8);
    lua_pushvalue(L, state);
    lua_pushboolean(L, 1);
    luaL_setfuncs(L, statements, 2);
    lua_setfield(L, -2, "tx");
    return 1;
}
