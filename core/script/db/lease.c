#include "script/db/lease.h"

#include "base/number.h"
#include "script/db/flow.h"
#include "script/runtime/env.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>
#include <stdlib.h>

const char db_lease_key[] = "leases by their addresses";

struct db_lease *db_lease_root(struct db_lease *l)
{
    while (l->parent)
        l = l->parent;
    return l;
}

bool db_task_in_tx(const struct db_task *t)
{
    return t->top != NULL && t->top->depth > 0;
}

bool db_task_tx_was_ended(struct db_task *t, const struct pg_conn *c, struct pg_error *err)
{
    if (!db_task_in_tx(t) || t->top->conn != c || !pg_conn_tx_was_ended(c))
        return false;
    db_lease_root(t->top)->broken = true;
    pg_error_set(err, PG_SERVER, "this statement ended the transaction of db.tx, which ends by itself: with its function");
    memcpy(err->sqlstate, "25P01", 6);
    return true;
}

static void unlink_top(struct db_task *t)
{
    t->top->open = false;
    t->top = t->top->parent;
}

void db_lease_give_back(struct db_lease *l, enum lease_end how)
{
    struct pg_conn *c = l->conn;

    if (l->flow)
        db_flow_drop(l->flow);
    l->conn = NULL;
    if (l->parent)
        return;
    if (l->pinned && how == LEASE_COMMITTED)
        db_turn_end(&l->turn);
    else if (l->pinned)
        db_turn_roll_back(&l->turn);
    else if (l->kind == LEASE_SESSION)
        pg_conn_retire(c);
    else if (how == LEASE_ABORTED)
        pg_conn_rollback(c);
    else
        pg_conn_release(c, l->where);
}

/* Those around it that ended before it did. */
static void end_outer(struct db_task *t)
{
    while (t->top && t->top->ended) {
        struct db_lease *l = t->top;
        unlink_top(t);
        db_lease_give_back(l, LEASE_LEAKED);
    }
}

/* A coroutine that died of an error has not run its <close> variables: coroutine.resume leaves that to coroutine.close. */
static void end_dead(struct db_task *t)
{
    for (struct db_lease *l = t->top; l; l = l->parent) {
        if (lua_status(l->co) <= LUA_YIELD)
            continue;
        l->ended = true;
        if (l->parent || l != t->top)
            db_lease_root(l)->broken = true;
    }
    end_outer(t);
}

struct pg_conn *db_task_conn(lua_State *L, struct db_task *t)
{
    end_dead(t);
    if (t->top == NULL)
        return NULL;
    if (db_lease_root(t->top)->broken)
        db_error_raise(L, PG_LOST, "a transaction inside or around this one was interrupted: it can only be rolled back");
    if (db_lease_root(t->top)->flow)
        luaL_error(L, "%s is open on this transaction's connection: nothing else can be done on it before it has ended",
                   db_lease_root(t->top)->flow->what);
    return t->top->conn;
}

void db_task_end(struct db_task *t)
{
    db_flows_drop(t);
    db_call_clear(&t->call);
    while (t->top) {
        struct db_lease *l = t->top;
        unlink_top(t);
        db_lease_give_back(l, LEASE_LEAKED);
    }
}

void db_task_log(const struct db_task *t, struct buf *fields)
{
    char text[NUMBER_TEXT_MAX];

    if (t->statements == 0)
        return;
    buf_lit(fields, ",\"db_ms\":");
    buf_append(fields, text, number_write_u64(text, t->us / 1000));
    buf_append(fields, text, number_write_u64(text, 1000 + t->us % 1000)); /* the 1 keeps the zeros, and becomes the point */
    fields->p[fields->n - 4] = '.';
    buf_lit(fields, ",\"db_queries\":");
    buf_append(fields, text, number_write_u64(text, t->statements));
}

void db_lease_keep_error(struct db_lease *l, const struct pg_error *err)
{
    if (err == NULL)
        return;
    l->err = pg_error_copy(err);
}

int db_lease_raise(lua_State *L, struct db_lease *l, const char *outcome)
{
    db_error_push(L, l->err, outcome);
    lua_pushstring(L, l->where);
    lua_setfield(L, -2, "where");
    free(l->err);
    l->err = NULL;
    return lua_error(L);
}

void db_lease_run(struct db_lease *l, pg_result_fn fn)
{
    l->began_us = clock_monotonic_us();
    pg_conn_script(l->conn, slice_str(l->sql), fn, l);
}

void db_lease_ran(struct db_lease *l)
{
    db_task_count(l->owner, l->db->env, 1, clock_monotonic_us() - l->began_us);
}

/* ---- commit ---- */

static int push_committed(lua_State *L, void *arg)
{
    struct db_lease *l = arg;

    if (l->err)
        return db_lease_raise(L, l, l->kind == LEASE_TX && db_error_is_doubtful(l->err) ? "unknown" : NULL);
    return 0;
}

static void on_committed(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_lease *l = arg;

    db_lease_ran(l);
    pg_result_free(res);
    db_lease_keep_error(l, err);
    if (err == NULL) {
        unlink_top(l->owner);
        db_lease_give_back(l, LEASE_COMMITTED);
        end_outer(l->owner);
    }
    script_resume(l->task, push_committed, l);
}

/* A commit is not cancelled: nobody would know what became of it. It has its deadline. */
static bool cancel_nothing(void *arg)
{
    (void)arg;
    return false;
}

static void write_commit(struct db_lease *l)
{
    if (l->pinned)
        snprintf(l->sql, sizeof l->sql, "RELEASE SAVEPOINT neap_pin");
    else if (l->kind == LEASE_SAVEPOINT)
        snprintf(l->sql, sizeof l->sql, "RELEASE SAVEPOINT neap_%u", l->depth);
    else
        snprintf(l->sql, sizeof l->sql, "COMMIT");
}

/* COMMIT of a transaction that has failed rolls it back and says so in no error: it must not pass for a success. */
static void check_can_commit(lua_State *L, struct db_lease *l)
{
    struct pg_error err;

    if (!l->open)
        luaL_error(L, "db.tx: it is over");
    if (l->owner->top != l)
        luaL_error(L, "db.tx: a transaction inside this one is still open");
    switch (pg_conn_tx_status(db_task_conn(L, l->owner))) {
    case PG_TX_FAILED:
        pg_error_set(&err, PG_SERVER, "a statement of this transaction failed, so it cannot be committed");
        memcpy(err.sqlstate, "25P02", 6);
        db_error_push(L, &err, NULL);
        lua_error(L);
        break;
    case PG_TX_UNKNOWN:
        db_error_raise(L, PG_LOST, "the connection was lost before the commit");
        break;
    default:
        break;
    }
}

static int lease_close(lua_State *L);

static int lease_commit(lua_State *L)
{
    struct db_lease *l = luaL_checkudata(L, 1, DB_LEASE);

    if (l->kind == LEASE_SESSION && !l->pinned) {
        return lease_close(L);
    }
    check_can_commit(L, l);
    l->task = script_task(L);
    write_commit(l);
    db_lease_run(l, on_committed);
    return script_wait(L, "db.tx", cancel_nothing, l);
}

/* ---- the end without a commit ---- */

static int push_rolled_back(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static void on_rolled_back(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_lease *l = arg;

    db_lease_ran(l);
    pg_result_free(res);
    if (err == NULL)
        db_lease_root(l)->broken = false;
    script_resume(l->task, push_rolled_back, l);
}

static void write_rollback(struct db_lease *l)
{
    if (l->kind == LEASE_SAVEPOINT)
        snprintf(l->sql, sizeof l->sql, "ROLLBACK TO SAVEPOINT neap_%u; RELEASE SAVEPOINT neap_%u", l->depth, l->depth);
    else
        snprintf(l->sql, sizeof l->sql, "ROLLBACK");
}

static bool needs_rollback(const struct db_lease *l)
{
    enum pg_tx_status status = pg_conn_tx_status(l->conn);

    return l->kind != LEASE_SESSION && (status == PG_TX_OPEN || status == PG_TX_FAILED);
}

/* The outermost needs no waiting: the pool rolls back what it is given. An inner one must be rolled back before the next
 * statement; where waiting is impossible by now, what is around it can only be rolled back too. */
static int lease_close(lua_State *L)
{
    struct db_lease *l = luaL_checkudata(L, 1, DB_LEASE);

    if (!l->open)
        return 0;
    if (l->owner->top != l) { /* coroutines that begin and end across each other: none of it can be committed */
        l->ended = true;
        db_lease_root(l)->broken = true;
        return 0;
    }
    unlink_top(l->owner);
    if (l->parent == NULL) {
        db_lease_give_back(l, LEASE_ABORTED);
        return 0;
    }
    if (l->parent->ended) {
        end_outer(l->owner);
        return 0;
    }
    if (!needs_rollback(l) && db_lease_root(l)->flow == NULL)
        return 0;
    db_lease_root(l)->broken = true;
    if (db_lease_root(l)->flow || !lua_isyieldable(L) || script_task_or_null(L) == NULL)
        return 0;
    l->task = script_task(L);
    write_rollback(l);
    db_lease_run(l, on_rolled_back);
    return script_wait(L, "db.tx", cancel_nothing, l);
}

/* In a coroutine that nobody resumed any more. An inner one keeps those around it from being collected before it. */
static int lease_gc(lua_State *L)
{
    struct db_lease *l = luaL_checkudata(L, 1, DB_LEASE);

    free(l->err);
    l->err = NULL;
    if (!l->open)
        return 0;
    while (l->open) {
        struct db_lease *top = l->owner->top;
        unlink_top(l->owner);
        if (top->parent)
            db_lease_root(top)->broken = true;
        db_lease_give_back(top, LEASE_LEAKED);
    }
    end_outer(l->owner);
    return 0;
}

void db_lease_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"commit", lease_commit}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", lease_close}, {"__gc", lease_gc}, {NULL, NULL}};

    lua_createtable(L, 0, 4); /* see anchor() in begin.c */
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, db_lease_key);
    userdata_metatable(L, DB_LEASE, methods, meta, NULL);
    lua_pop(L, 1);
}
