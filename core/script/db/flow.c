#include "script/db/flow.h"

#include "script/db/lease.h"
#include "script/runtime/env.h"
#include <lauxlib.h>
#include <stdlib.h>

static void account(struct db_flow *f)
{
    db_task_count(f->owner, f->db->env, f->counted ? 0 : 1, clock_monotonic_us() - f->began_us);
    f->counted = true;
}

void db_flow_ready(struct db_flow *f)
{
    struct task *task = f->task;

    if (task == NULL)
        return;
    account(f);
    f->task = NULL;
    script_resume(task, f->push, f);
}

void db_flow_init(lua_State *L, struct db_flow *f, const struct pg_statement *st)
{
    f->state = FLOW_ENDED;
    list_init(&f->link);
    statement_copy_set(&f->copy, st);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, FLOW_SQL);
}

/* ---- the end ---- */

/* Nothing of it is anybody else's any more. */
static void ended(struct db_flow *f)
{
    f->state = FLOW_ENDED;
    f->conn = NULL;
    if (f->lease)
        f->lease->flow = NULL;
    f->lease = NULL;
    f->task = NULL;
    list_remove(&f->link);
    statement_copy_free(&f->copy);
}

static void finish(struct db_flow *f)
{
    struct task *task = f->task;

    if (task)
        account(f);
    ended(f);
    if (task)
        script_resume(task, f->push, f);
}

static void keep_error(struct db_flow *f, const struct pg_error *err)
{
    if (err == NULL || f->err)
        return;
    f->err = pg_error_copy(err);
}

static void on_savepoint_gone(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_flow *f = arg;

    pg_result_free(res);
    keep_error(f, err);
    if (err)
        f->lease->broken = true;
    finish(f);
}

/* COPY and single rows leave the connection as any statement does; what is left is the savepoint. */
static void leave_lease(struct db_flow *f)
{
    if (!f->savepoint || pg_conn_tx_status(f->conn) == PG_TX_UNKNOWN) {
        finish(f);
        return;
    }
    f->state = FLOW_ENDING;
    if (f->err)
        pg_conn_script(f->conn, SLICE_LIT("ROLLBACK TO SAVEPOINT neap_flow; RELEASE SAVEPOINT neap_flow"), on_savepoint_gone,
                       f);
    else
        pg_conn_script(f->conn, SLICE_LIT("RELEASE SAVEPOINT neap_flow"), on_savepoint_gone, f);
}

void db_flow_end(struct pg_result *res, const struct pg_error *err, void *flow)
{
    struct db_flow *f = flow;

    if (res)
        f->affected = pg_result_affected(res);
    pg_result_free(res);
    keep_error(f, err);
    if (f->lease) {
        leave_lease(f);
        return;
    }
    if (f->conn)
        pg_conn_release(f->conn, NULL);
    finish(f);
}

/* ---- the beginning ---- */

static void on_prepared(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_flow *f = arg;

    if (err) {
        f->savepoint = false;
        db_flow_end(res, err, f);
        return;
    }
    pg_result_free(res);
    f->state = FLOW_RUNNING;
    f->start(f);
}

static void have(struct db_flow *f, struct pg_conn *c)
{
    f->conn = c;
    pg_conn_lift_timeout(c, on_prepared, f);
}

static void on_conn(struct pool_wait *w, struct pg_conn *c, const struct pg_error *err)
{
    struct db_flow *f = w->arg;

    if (c)
        have(f, c);
    else
        db_flow_end(NULL, err, f);
}

static void borrow(struct db_flow *f)
{
    struct pg_conn *c = pool_try_acquire(f->db->env->pool);

    if (c)
        have(f, c);
    else
        pool_acquire(f->db->env->pool, &f->wait, on_conn, f);
}

static void use_lease(struct db_flow *f, struct pg_conn *c)
{
    f->conn = c;
    f->lease = db_lease_root(f->owner->top);
    f->lease->flow = f;
    f->in_tx = f->savepoint = db_task_in_tx(f->owner);
    if (f->savepoint) {
        pg_conn_script(c, SLICE_LIT("SAVEPOINT neap_flow"), on_prepared, f);
        return;
    }
    f->state = FLOW_RUNNING;
    f->start(f);
}

static bool cancel(void *arg)
{
    struct db_flow *f = arg;

    if (f->lease) { /* the answer to the cancel request is waited for, then the savepoint goes */
        if (f->state == FLOW_RUNNING || f->state == FLOW_STARTING)
            pg_conn_cancel(f->conn);
        return false;
    }
    account(f);
    db_flow_drop(f);
    return true;
}

int db_flow_wait(lua_State *L, struct db_flow *f, script_push_fn push)
{
    f->task = script_task(L);
    f->push = push;
    f->began_us = clock_monotonic_us();
    return script_wait(L, f->what, cancel, f);
}

int db_flow_begin(lua_State *L, struct db_flow *f, script_push_fn push)
{
    struct task *task = script_task(L);
    struct pg_conn *c = db_task_conn(L, db_task_of(task));

    if (c == NULL && f->db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    f->owner = db_task_of(task);
    f->state = FLOW_STARTING;
    if (f->owner->flows.next == NULL)
        list_init(&f->owner->flows);
    list_push_back(&f->owner->flows, &f->link);
    if (c)
        use_lease(f, c);
    else
        borrow(f);
    return db_flow_wait(L, f, push);
}

/* ---- from Lua ---- */

void db_flow_check_task(lua_State *L, const struct db_flow *f)
{
    if (f->state != FLOW_ENDED && f->owner != db_task_of(script_task(L)))
        luaL_error(L, "%s: this is another task's", f->what);
}

int db_flow_raise(lua_State *L, struct db_flow *f, int index)
{
    index = lua_absindex(L, index);
    db_error_push(L, f->err, f->in_tx || !db_error_is_doubtful(f->err) ? NULL : "unknown");
    lua_getiuservalue(L, index, FLOW_SQL);
    lua_setfield(L, -2, "statement");
    return lua_error(L);
}

void db_flow_drop(struct db_flow *f)
{
    struct pg_conn *c = f->conn;
    struct db_lease *lease = f->lease;

    if (f->state == FLOW_ENDED)
        return;
    ended(f);
    if (lease) {
        lease->broken = true;
        pg_conn_forget(c);
    } else if (c)
        pg_conn_rollback(c);
    else
        pool_wait_cancel(&f->wait);
}

void db_flow_free(struct db_flow *f)
{
    db_flow_drop(f);
    statement_copy_free(&f->copy);
    free(f->err);
    f->err = NULL;
}

void db_flows_drop(struct db_task *t)
{
    while (t->flows.next && !list_is_empty(&t->flows))
        db_flow_drop(LIST_OF(list_first(&t->flows), struct db_flow, link));
}

static int push_nothing(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static bool cancel_nothing(void *arg)
{
    (void)arg;
    return false;
}

int db_flow_close(lua_State *L, struct db_flow *f)
{
    if (f->state == FLOW_ENDED)
        return 0;
    if (f->lease == NULL || !script_can_wait(L) || f->owner != db_task_of(script_task(L))) {
        db_flow_drop(f);
        return 0;
    }
    if (f->state != FLOW_ENDING)
        pg_conn_cancel(f->conn);
    f->task = script_task(L);
    f->push = push_nothing;
    f->began_us = clock_monotonic_us();
    return script_wait(L, f->what, cancel_nothing, f);
}
