#include "script/db.h"

#include "base/mem.h"
#include "script/engine_internal.h"
#include "script/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>

enum { ALL_STATEMENTS_MAX = 1000, TRIES_MAX = 3 };

struct all_item {
    struct db_all *all;
    struct db_rows *rows;     /* borrowed from the table of results */
    struct pool_query *query; /* while it runs on its own */
};

/* Lies on the stack of the waiting function, with the table of results in its user value. Reads that are all known to be
 * quick go to a shared connection; everything else is a batch on one connection, the task's own when it has one. */
struct db_all {
    struct task *task;
    struct pool *pool;
    struct pg_statement *sts; /* owned, as `copies` are; of a batch */
    struct statement_copy *copies;
    struct pg_conn *conn; /* while the batch runs */
    struct pool_wait wait;
    struct pg_error *err; /* owned; of the batch */
    bool borrowed, waiting, cancelled;
    unsigned n, left, tries, failed;
    uint64_t began_us;
    struct all_item items[];
};

static void free_statements(struct db_all *a)
{
    for (unsigned i = 0; a->copies && i < a->n; i++)
        statement_copy_free(&a->copies[i]);
    free(a->copies);
    free(a->sts);
    free(a->err);
    a->copies = NULL;
    a->sts = NULL;
    a->err = NULL;
}

static int all_gc(lua_State *L)
{
    free_statements(lua_touserdata(L, 1));
    return 0;
}

/* Whoever tells of a statement finds it where the other functions have it: as the first argument. */
static void say_statement(lua_State *L, unsigned i)
{
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_replace(L, 1);
    lua_pop(L, 1);
}

static int push_error(lua_State *L, struct db_all *a, const char *outcome)
{
    struct pg_error err = *a->err;

    free_statements(a);
    say_statement(L, a->failed);
    db_error_push(L, &err, outcome);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "statement");
    return lua_error(L);
}

static void log_slow(lua_State *L, struct db_all *a)
{
    const struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));

    for (unsigned i = 0; i < a->n && db->slow_us > 0; i++) {
        if (a->items[i].rows->took_us < db->slow_us)
            continue;
        lua_pushvalue(L, 1);
        say_statement(L, i);
        db_slow_check(L, db, a->items[i].rows);
        lua_replace(L, 1);
    }
}

/* The userdata is the last thing that the waiting function pushed. */
static int push_all(lua_State *L, void *arg)
{
    struct db_all *a = arg;

    if (a->err)
        return push_error(L, a, a->borrowed && db_error_is_doubtful(a->err) ? "unknown" : NULL);
    log_slow(L, a);
    lua_getiuservalue(L, -1, 1);
    for (unsigned i = 0; i < a->n; i++) {
        if (a->items[i].rows->err == NULL)
            continue;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        say_statement(L, i);
        return db_rows_push(L, lua_gettop(L));
    }
    free_statements(a);
    return 1;
}

static void finish(struct db_all *a)
{
    db_task_count(db_task_of(a->task), a->task->engine->env, a->n, clock_monotonic_us() - a->began_us);
    script_resume(a->task, push_all, a);
}

/* ---- each on its own ---- */

static void on_one(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct all_item *it = arg;

    it->query = NULL;
    it->rows->took_us = clock_monotonic_us() - it->all->began_us;
    db_rows_take(it->rows, res, err);
    if (--it->all->left == 0)
        finish(it->all);
}

static bool cancel_each(struct db_all *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        struct all_item *it = &a->items[i];
        if (it->query == NULL || !pool_query_cancel(it->query))
            continue;
        it->query = NULL;
        a->left--;
    }
    return a->left == 0;
}

static void run_each(struct db_all *a)
{
    a->left = a->n;
    for (unsigned i = 0; i < a->n; i++)
        a->items[i].query = pool_query_shared(a->pool, POOL_ANY, &a->sts[i], NULL, on_one, &a->items[i]);
}

static bool may_run_each(struct db_all *a)
{
    for (unsigned i = 0; i < a->n; i++)
        if (!pool_shares_read(a->pool, POOL_ANY, &a->sts[i]))
            return false;
    return true;
}

/* ---- as a batch ---- */

static void borrow(struct db_all *a);

static void keep_error(struct db_all *a, const struct pg_error *err)
{
    a->err = mem_alloc(sizeof *a->err);
    *a->err = *err;
}

static void take_rows(struct db_all *a, struct pg_result *last)
{
    uint64_t us = (clock_monotonic_us() - a->began_us) / a->n;

    for (unsigned i = 0; i < a->n; i++) {
        db_rows_take(a->items[i].rows, i + 1 < a->n ? pg_conn_batch_take(a->conn, i) : last, NULL);
        a->items[i].rows->took_us = us;
        if (a->borrowed)
            pool_learn(a->pool, &a->sts[i], us);
    }
}

static void on_batch(struct pg_result *last, const struct pg_error *err, void *arg)
{
    struct db_all *a = arg;
    struct pg_conn *c = a->conn;
    struct pg_error ended;

    if (err == NULL && db_task_tx_was_ended(db_task_of(a->task), c, &ended)) {
        pg_result_free(last);
        err = &ended;
    }
    if (err == NULL)
        take_rows(a, last);
    else
        a->failed = pg_conn_batch_failed(c);
    a->conn = NULL;
    if (a->borrowed)
        pg_conn_release(c, NULL);
    if (err && err->kind == PG_UNAVAILABLE && a->borrowed && !a->cancelled && ++a->tries < TRIES_MAX) {
        borrow(a);
        return;
    }
    if (err)
        keep_error(a, err);
    finish(a);
}

static void run_batch(struct db_all *a, struct pg_conn *c)
{
    a->conn = c;
    pg_conn_batch(c, a->sts, a->n, on_batch, a);
}

static void on_conn(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err)
{
    struct db_all *a = w->arg;

    a->waiting = false;
    if (conn) {
        run_batch(a, conn);
        return;
    }
    keep_error(a, err);
    finish(a);
}

static void borrow(struct db_all *a)
{
    struct pg_conn *c = pool_try_acquire(a->pool);

    a->borrowed = true;
    if (c) {
        run_batch(a, c);
        return;
    }
    a->waiting = true;
    pool_acquire(a->pool, &a->wait, on_conn, a);
}

static bool cancel_all(void *arg)
{
    struct db_all *a = arg;

    a->cancelled = true;
    if (a->conn) {
        pg_conn_cancel(a->conn);
        return false;
    }
    if (a->waiting) {
        a->waiting = false;
        pool_wait_cancel(&a->wait);
        return true;
    }
    return cancel_each(a);
}

/* ---- what is asked for ---- */

static struct db_all *new_all(lua_State *L, unsigned n)
{
    struct db_all *a = lua_newuserdatauv(L, sizeof *a + n * sizeof a->items[0], 1);

    memset(a, 0, sizeof *a + n * sizeof a->items[0]);
    if (luaL_newmetatable(L, "neap.db.all")) {
        lua_pushcfunction(L, all_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    a->n = n;
    a->copies = mem_zalloc(n * sizeof *a->copies);
    a->sts = mem_zalloc(n * sizeof *a->sts);
    return a;
}

static void read_one(lua_State *L, struct db_state *db, struct db_all *a, unsigned i)
{
    int top = lua_gettop(L), n;

    if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TTABLE)
        luaL_error(L, "db.all: statement %d is not a table like {sql, ...}", (int)i + 1);
    n = (int)lua_rawlen(L, top + 1);
    luaL_checkstack(L, n + 4, "too many parameters");
    for (int k = 1; k <= n; k++)
        lua_rawgeti(L, top + 1, k);
    if (lua_type(L, top + 2) != LUA_TSTRING)
        luaL_error(L, "db.all: statement %d has no SQL", (int)i + 1);
    struct pg_statement st = db_read_statement(L, db, top + 2);
    statement_copy_set(&a->copies[i], &st);
    a->sts[i] = a->copies[i].st;
    lua_settop(L, top);
}

static void make_rows(lua_State *L, struct db_all *a, struct task *task, bool autocommit)
{
    int userdata = lua_gettop(L);

    lua_createtable(L, (int)a->n, 0);
    for (unsigned i = 0; i < a->n; i++) {
        struct db_rows *r = db_rows_new(L, DB_WANT_ROWS);
        r->task = task;
        r->autocommit = autocommit;
        a->items[i] = (struct all_item){.all = a, .rows = r};
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setiuservalue(L, userdata, 1);
}

int db_all(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct task *task = script_task(L);
    struct pg_conn *conn = db_task_conn(L, db_task_of(task));
    size_t n;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    n = lua_rawlen(L, 1);
    luaL_argcheck(L, n > 0 && n <= ALL_STATEMENTS_MAX, 1, "between 1 and 1000 statements");
    if (conn == NULL && db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    if (conn == NULL && db->pin && db_pin_conn(db->pin)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    struct db_all *a = new_all(L, (unsigned)n);
    a->task = task;
    a->pool = db->env->pool;
    for (unsigned i = 0; i < a->n; i++)
        read_one(L, db, a, i);
    make_rows(L, a, task, conn == NULL);
    a->began_us = clock_monotonic_us();
    if (conn)
        run_batch(a, conn);
    else if (may_run_each(a))
        run_each(a);
    else
        borrow(a);
    return script_wait(L, "db.all", cancel_all, a);
}
