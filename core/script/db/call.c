#include "script/db/call.h"

#include "base/mem.h"
#include "script/db/pin.h"
#include "script/db/rows.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>

void db_call_clear(struct db_call *call)
{
    pg_result_free(call->res);
    free(call->err);
    call->res = NULL;
    call->err = NULL;
}

static void take(struct db_call *call, struct pg_result *res, const struct pg_error *err)
{
    db_call_clear(call);
    call->res = res;
    if (err)
        call->err = pg_error_copy(err);
}

/* ---- the answer, in the task again ---- */

/* The statement is the first argument of the function that waited for it. */
static int push_failure(lua_State *L, struct db_call *call)
{
    db_error_push(L, call->err, call->autocommit && db_error_is_doubtful(call->err) ? "unknown" : NULL);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "statement");
    db_call_clear(call);
    return lua_error(L);
}

static void push_one(lua_State *L, const struct pg_result *res)
{
    if (pg_result_rows(res) == 0) {
        lua_pushnil(L);
    } else {
        db_row_push_meta(L, res);
        db_row_push(L, res, 0);
    }
}

/* What Lua has no memory for stays the call's, which is cleared as the task ends. */
static int push_answer(lua_State *L, void *arg)
{
    struct db_call *call = arg;

    db_slow_check(L, lua_touserdata(L, lua_upvalueindex(1)), call->task, call->res, call->took_us);
    if (call->err)
        return push_failure(L, call);
    switch ((enum db_want)call->want) {
    case DB_WANT_ROWS:
        db_rows_push(L, &call->res);
        return 1;
    case DB_WANT_ONE:
        push_one(L, call->res);
        break;
    case DB_WANT_COUNT:
        lua_pushinteger(L, pg_result_affected(call->res));
        break;
    case DB_WANT_NOTHING:
        db_call_clear(call);
        return 0;
    }
    db_call_clear(call);
    return 1;
}

static void finish(struct db_call *call)
{
    call->took_us = clock_monotonic_us() - call->began_us;
    db_task_count(db_task_of(call->task), call->task->engine->env, 1, call->took_us);
    script_resume(call->task, push_answer, call);
}

static void on_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_call *call = arg;
    const struct pg_conn *c = call->conn;
    struct pg_error ended;

    call->query = NULL;
    call->conn = NULL;
    take(call, res, err);
    if (c && db_task_tx_was_ended(db_task_of(call->task), c, &ended) && err == NULL)
        take(call, NULL, &ended);
    finish(call);
}

static bool cancel_statement(void *arg)
{
    struct db_call *call = arg;

    call->cancelled = true;
    if (call->query && !pool_query_cancel(call->query))
        return false;
    if (call->conn) {
        pg_conn_cancel(call->conn);
        return false;
    }
    call->query = NULL;
    if (call->turn) {
        db_turn_leave(call->turn);
        db_turn_free(call->turn);
        call->turn = NULL;
    }
    return true;
}

/* ---- on the pinned connection: a savepoint around it ---- */

static void on_settled(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_call *call = arg;

    pg_result_free(res);
    if (err && call->err == NULL)
        take(call, NULL, err);
    call->conn = NULL;
    db_turn_end(call->turn);
    db_turn_free(call->turn);
    call->turn = NULL;
    finish(call);
}

static void on_pinned_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_call *call = arg;

    take(call, res, err);
    if (err)
        pg_conn_script(call->conn, SLICE_LIT("ROLLBACK TO SAVEPOINT neap_pin; RELEASE SAVEPOINT neap_pin"), on_settled,
                       call);
    else
        pg_conn_script(call->conn, SLICE_LIT("RELEASE SAVEPOINT neap_pin"), on_settled, call);
}

static void on_savepoint(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_call *call = arg;
    struct pg_error cancelled;

    pg_result_free(res);
    if (err) {
        on_settled(NULL, err, call);
    } else if (call->cancelled) {
        pg_error_set(&cancelled, PG_CANCELLED, "cancelled");
        on_pinned_answer(NULL, &cancelled, call);
    } else if (call->script) {
        pg_conn_script(call->conn, call->turn->copy.st.sql, on_pinned_answer, call);
    } else {
        pg_conn_query(call->conn, &call->turn->copy.st, on_pinned_answer, call);
    }
}

static void on_turn(struct db_turn *t, const struct pg_error *err)
{
    struct db_call *call = t->arg;

    if (err) {
        db_turn_free(t);
        call->turn = NULL;
        on_answer(NULL, err, call);
        return;
    }
    call->conn = db_pin_conn(t->pin);
    pg_conn_script(call->conn, SLICE_LIT("SAVEPOINT neap_pin"), on_savepoint, call);
}

static void run_pinned(struct db_pin *pin, struct db_call *call, const struct pg_statement *st)
{
    call->turn = mem_zalloc(sizeof *call->turn);
    statement_copy_set(&call->turn->copy, st);
    if (db_turn_take(pin, call->turn, on_turn, call))
        on_turn(call->turn, NULL);
}

/* ---- sending ---- */

static void run_on(struct pg_conn *c, struct db_call *call, const struct pg_statement *st)
{
    call->conn = c;
    if (call->script)
        pg_conn_script(c, st->sql, on_answer, call);
    else
        pg_conn_query(c, st, on_answer, call);
}

/* By its first word. Most statements are told apart by two letters. */
static bool may_open_transaction(struct slice sql)
{
    size_t i = 0;

    while (i < sql.n && (sql.p[i] == ' ' || sql.p[i] == '\n'))
        i++;
    if (i + 5 > sql.n)
        return false;
    const char *word = sql.p + i;
    switch (*word | ' ') {
    case 'b':
        return strncasecmp(word, "begin", 5) == 0;
    case 's':
        return (word[1] | ' ') == 't' && strncasecmp(word, "start", 5) == 0;
    default:
        return false;
    }
}

static void run_anywhere(lua_State *L, struct pool *pool, struct db_call *call, enum pool_word word,
                         const struct pg_statement *st)
{
    char where[WHERE_MAX];

    /* Who it was is only worth its cost where a transaction may be left open. */
    where[0] = '\0';
    if (call->script || may_open_transaction(st->sql))
        db_where(L, where);
    call->autocommit = true;
    call->query = call->script ? pool_script(pool, st->sql, where, on_answer, call)
                               : pool_query_shared(pool, word, st, where, on_answer, call);
}

int db_call(lua_State *L, enum db_want want, enum pool_word word, const char *what)
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
    struct db_call *call = &db_task_of(task)->call;
    db_call_clear(call); /* of one before it, whose answer Lua had no memory for */
    *call =
        (struct db_call){.task = task, .want = want, .script = want == DB_WANT_NOTHING, .began_us = clock_monotonic_us()};
    if (conn)
        run_on(conn, call, &st);
    else if (db->pin && db_pin_conn(db->pin))
        run_pinned(db->pin, call, &st);
    else
        run_anywhere(L, db->env->pool, call, word, &st);
    return script_wait(L, what, cancel_statement, call);
}
