#include "script/db/lease.h"

#include "script/runtime/env.h"
#include <lauxlib.h>
#include <stdio.h>

static int push_begun(lua_State *L, void *arg)
{
    struct db_lease *l = arg;

    if (l->err)
        return db_lease_raise(L, l, NULL);
    lua_pushvalue(L, lua_gettop(L));
    return 1;
}

static void begun(struct db_lease *l)
{
    l->open = true;
    l->parent = l->owner->top;
    l->owner->top = l;
}

static void on_begun(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_lease *l = arg;
    struct pg_error cancelled;

    db_lease_ran(l);
    pg_result_free(res);
    if (err == NULL && l->cancelled) {
        pg_error_set(&cancelled, PG_CANCELLED, "cancelled");
        err = &cancelled;
    }
    db_lease_keep_error(l, err);
    if (err == NULL)
        begun(l);
    else if (l->owner->top == NULL)
        db_lease_give_back(l, LEASE_ABORTED);
    script_resume(l->task, push_begun, l);
}

static void set_deadline(struct db_lease *l)
{
    if (l->kind == LEASE_SESSION)
        pg_conn_set_deadline(l->conn, l->timeout_ms < 0 ? 0 : (uint64_t)l->timeout_ms);
    else if (l->timeout_ms >= 0)
        pg_conn_set_deadline(l->conn, (uint64_t)l->timeout_ms);
}

static void start(struct db_lease *l, struct pg_conn *conn)
{
    l->conn = conn;
    set_deadline(l);
    db_lease_run(l, on_begun);
}

static void on_conn(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err)
{
    struct db_lease *l = w->arg;

    if (err) {
        db_lease_keep_error(l, err);
        script_resume(l->task, push_begun, l);
        return;
    }
    start(l, conn);
}

static void borrow(struct db_lease *l)
{
    struct pool *pool = l->db->env->pool;
    struct pg_conn *c = pool_try_acquire(pool);

    if (c)
        start(l, c);
    else
        pool_acquire(pool, &l->wait, on_conn, l);
}

static void on_turn(struct db_turn *t, const struct pg_error *err)
{
    struct db_lease *l = t->arg;

    if (err) {
        db_lease_keep_error(l, err);
        script_resume(l->task, push_begun, l);
        return;
    }
    l->conn = db_pin_conn(t->pin);
    db_lease_run(l, on_begun);
}

static bool cancel_begin(void *arg)
{
    struct db_lease *l = arg;

    l->cancelled = true;
    if (l->conn) {
        pg_conn_cancel(l->conn);
        return false;
    }
    if (l->pinned)
        db_turn_leave(&l->turn);
    else
        pool_wait_cancel(&l->wait);
    return true;
}

/* A transaction's own timeout ends with it, a session's with the session, whose connection is not used again. */
static void write_begin(struct db_lease *l, const char *sql, lua_Integer timeout_ms)
{
    if (l->pinned)
        snprintf(l->sql, sizeof l->sql, "SAVEPOINT neap_pin");
    else if (l->kind == LEASE_SAVEPOINT)
        snprintf(l->sql, sizeof l->sql, "SAVEPOINT neap_%u", l->depth);
    else if (l->kind == LEASE_SESSION)
        snprintf(l->sql, sizeof l->sql, "SET statement_timeout = %lld", (long long)(timeout_ms < 0 ? 0 : timeout_ms));
    else if (timeout_ms < 0)
        snprintf(l->sql, sizeof l->sql, "%s", sql);
    else
        snprintf(l->sql, sizeof l->sql, "%s; SET LOCAL statement_timeout = %lld", sql, (long long)timeout_ms);
}

/* `return db.tx(function() ... end)` is a tail call: the line that called it is gone, but not the function it gave. */
static void find_where(lua_State *L, char where[static WHERE_MAX])
{
    lua_Debug ar;

    db_where(L, where);
    if (!db_is_framework(where) || !lua_isfunction(L, 3))
        return;
    lua_pushvalue(L, 3);
    lua_getinfo(L, ">S", &ar);
    snprintf(where, WHERE_MAX, "%s:%d", ar.short_src, ar.linedefined);
}

/* A lease keeps the one around it alive. They are found by their addresses in a table that keeps none of them alive. */
static void anchor(lua_State *L, struct db_lease *l)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, db_lease_key);
    if (l->owner->top) {
        lua_rawgetp(L, -1, l->owner->top);
        lua_setiuservalue(L, -3, 1);
    }
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, l);
    lua_pop(L, 1);
    lua_pushthread(L);
    lua_setiuservalue(L, -2, 2);
}

static struct db_lease *new_lease(lua_State *L, struct db_state *db, struct task *task, bool is_tx)
{
    struct db_lease *l = lua_newuserdatauv(L, sizeof *l, 2);

    *l = (struct db_lease){.db = db, .owner = db_task_of(task), .task = task, .co = L};
    luaL_setmetatable(L, DB_LEASE);
    l->pinned = l->owner->top == NULL && db->pin;
    l->depth = (l->owner->top ? l->owner->top->depth : 0) + (is_tx || l->pinned);
    l->kind = !is_tx ? LEASE_SESSION : l->depth > 1 ? LEASE_SAVEPOINT : LEASE_TX;
    find_where(L, l->where);
    anchor(L, l);
    return l;
}

int db_begin(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    const char *sql = luaL_optstring(L, 1, NULL);
    lua_Integer timeout_ms = luaL_optinteger(L, 2, -1);
    struct task *task = script_task(L);
    struct db_task *t = db_task_of(task);
    struct pg_conn *around = db_task_conn(L, t);

    if (around == NULL && db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    lua_settop(L, 3);
    struct db_lease *l = new_lease(L, db, task, sql != NULL);
    write_begin(l, sql, timeout_ms);
    l->conn = around;
    l->timeout_ms = timeout_ms;
    if (around && l->kind == LEASE_SESSION) {
        begun(l);
        return 1;
    }
    if (around)
        db_lease_run(l, on_begun);
    else if (l->pinned && db_turn_take(db->pin, &l->turn, on_turn, l))
        on_turn(&l->turn, NULL);
    else if (!l->pinned)
        borrow(l);
    return script_wait(L, "db.tx", cancel_begin, l);
}
