/* neap.core.db: what lua/neap/db.lua is made of. */
#include "script/db/lib_db.h"
#include "base/mem.h"
#include "script/db/db.h"
#include "script/db/listen.h"
#include "script/db/pin.h"
#include "script/db/rows.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>

/* ---- a statement's way ---- */

static int push_answer(lua_State *L, void *arg)
{
    db_slow_check(L, lua_touserdata(L, lua_upvalueindex(1)), arg);
    return db_rows_push(L, lua_gettop(L)); /* the userdata is the last thing that the waiting function pushed */
}

static void finish(struct db_rows *r)
{
    r->took_us = clock_monotonic_us() - r->began_us;
    db_task_count(db_task_of(r->task), r->task->engine->env, 1, r->took_us);
    script_resume(r->task, push_answer, r);
}

static void on_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_rows *r = arg;
    const struct pg_conn *c = r->conn;
    struct pg_error ended;

    r->query = NULL;
    r->conn = NULL;
    db_rows_take(r, res, err);
    if (c && db_task_tx_was_ended(db_task_of(r->task), c, &ended) && err == NULL)
        db_rows_take(r, NULL, &ended);
    finish(r);
}

static bool cancel_statement(void *arg)
{
    struct db_rows *r = arg;

    r->cancelled = true;
    if (r->query && !pool_query_cancel(r->query))
        return false;
    if (r->conn) {
        pg_conn_cancel(r->conn);
        return false;
    }
    r->query = NULL;
    if (r->turn) {
        db_turn_leave(r->turn);
        db_turn_free(r->turn);
        r->turn = NULL;
    }
    return true;
}

/* ---- on the pinned connection: a savepoint around it ---- */

static void on_settled(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_rows *r = arg;

    pg_result_free(res);
    if (err && r->err == NULL)
        db_rows_take(r, NULL, err);
    r->conn = NULL;
    db_turn_end(r->turn);
    db_turn_free(r->turn);
    r->turn = NULL;
    finish(r);
}

static void on_pinned_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_rows *r = arg;

    db_rows_take(r, res, err);
    if (err)
        pg_conn_script(r->conn, SLICE_LIT("ROLLBACK TO SAVEPOINT neap_pin; RELEASE SAVEPOINT neap_pin"), on_settled, r);
    else
        pg_conn_script(r->conn, SLICE_LIT("RELEASE SAVEPOINT neap_pin"), on_settled, r);
}

static void on_savepoint(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_rows *r = arg;
    struct pg_error cancelled;

    pg_result_free(res);
    if (err) {
        on_settled(NULL, err, r);
    } else if (r->cancelled) {
        pg_error_set(&cancelled, PG_CANCELLED, "cancelled");
        on_pinned_answer(NULL, &cancelled, r);
    } else if (r->script) {
        pg_conn_script(r->conn, r->turn->copy.st.sql, on_pinned_answer, r);
    } else {
        pg_conn_query(r->conn, &r->turn->copy.st, on_pinned_answer, r);
    }
}

static void on_turn(struct db_turn *t, const struct pg_error *err)
{
    struct db_rows *r = t->arg;

    if (err) {
        db_turn_free(t);
        r->turn = NULL;
        on_answer(NULL, err, r);
        return;
    }
    r->conn = db_pin_conn(t->pin);
    pg_conn_script(r->conn, SLICE_LIT("SAVEPOINT neap_pin"), on_savepoint, r);
}

static void run_pinned(struct db_pin *pin, struct db_rows *r, const struct pg_statement *st)
{
    r->turn = mem_zalloc(sizeof *r->turn);
    statement_copy_set(&r->turn->copy, st);
    if (db_turn_take(pin, r->turn, on_turn, r))
        on_turn(r->turn, NULL);
}

/* ---- sending ---- */

static void run_on(struct pg_conn *c, struct db_rows *r, const struct pg_statement *st)
{
    r->conn = c;
    if (r->script)
        pg_conn_script(c, st->sql, on_answer, r);
    else
        pg_conn_query(c, st, on_answer, r);
}

/* Only what may leave a transaction open is worth the cost of finding out who it was. */
static void find_where(lua_State *L, const struct db_rows *r, struct slice sql, char out[static WHERE_MAX])
{
    size_t i = 0;

    while (i < sql.n && (sql.p[i] == ' ' || sql.p[i] == '\n'))
        i++;
    out[0] = '\0';
    if (r->script ||
        (i + 5 <= sql.n && (strncasecmp(sql.p + i, "begin", 5) == 0 || strncasecmp(sql.p + i, "start", 5) == 0)))
        db_where(L, out);
}

static void run_anywhere(lua_State *L, struct pool *pool, struct db_rows *r, enum pool_word word,
                         const struct pg_statement *st)
{
    char where[WHERE_MAX];

    find_where(L, r, st->sql, where);
    r->autocommit = true;
    r->query =
        r->script ? pool_script(pool, st->sql, where, on_answer, r) : pool_query_shared(pool, word, st, where, on_answer, r);
}

static int run(lua_State *L, enum db_want want, enum pool_word word, const char *what)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    bool in_tx_only = lua_toboolean(L, lua_upvalueindex(2));
    struct task *task = script_task(L);
    struct pg_conn *conn = db_task_conn(L, db_task_of(task));

    if (in_tx_only && !db_task_in_tx(db_task_of(task)))
        return luaL_error(L, "%s: the transaction is over, or another task's", what);
    if (conn == NULL && db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    struct pg_statement st = db_read_statement(L, db, 1);
    struct db_rows *r = db_rows_new(L, want);
    r->task = task;
    r->script = want == DB_WANT_NOTHING;
    r->began_us = clock_monotonic_us();
    if (conn)
        run_on(conn, r, &st);
    else if (db->pin && db_pin_conn(db->pin))
        run_pinned(db->pin, r, &st);
    else
        run_anywhere(L, db->env->pool, r, word, &st);
    return script_wait(L, what, cancel_statement, r);
}

static int l_query(lua_State *L)
{
    return run(L, DB_WANT_ROWS, POOL_ANY, "db.query");
}

static int l_read(lua_State *L)
{
    return run(L, DB_WANT_ROWS, POOL_READS, "db.read");
}

static int l_one(lua_State *L)
{
    return run(L, DB_WANT_ONE, POOL_ANY, "db.one");
}

static int l_exec(lua_State *L)
{
    return run(L, DB_WANT_COUNT, POOL_WRITES, "db.exec");
}

static int l_script(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    return run(L, DB_WANT_NOTHING, POOL_OWN, "db.script");
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
