#include "script/db/db.h"
#include "script/db/pin.h"
#include "script/db/rows.h"

#include "base/mem.h"
#include "pg/reads.h"
#include "script/json/marks.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>
#include <stdlib.h>

/* ALL_STATEMENTS_MAX: an array of so many pointers is on the C stack, 8 KB. TRIES_MAX: connections that turn out to be dead,
 * of which a server that starts anew leaves several. */
enum { ALL_STATEMENTS_MAX = 1000, TRIES_MAX = 3 };

struct all_item {
    struct pg_result *res; /* owned */
    uint64_t took_us;
};

/* Lies on the stack of the waiting function. Reads that are all known to be quick go to a shared connection; everything
 * else is a batch on one connection, the task's own when it has one. */
struct db_all {
    struct task *task;
    struct pool *pool;
    struct reads *reads;      /* owned; NULL: they are a batch */
    struct pg_statement *sts; /* owned, as `copies` are; of a batch */
    struct statement_copy *copies;
    struct pg_conn *conn; /* while the batch runs */
    struct pool_wait wait;
    struct pg_error *err; /* owned; of the first statement that failed */
    bool many;            /* one text with several sets of parameters, and the rows of all together */
    bool borrowed, waiting, cancelled;
    bool autocommit; /* when a connection is lost, so is the knowledge of what was done on it */
    unsigned n, tries, failed;
    uint64_t began_us;
    struct all_item items[];
};

static void free_all(struct db_all *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        pg_result_free(a->items[i].res);
        a->items[i].res = NULL;
    }
    reads_free(a->reads);
    a->reads = NULL;
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
    free_all(lua_touserdata(L, 1));
    return 0;
}

/* Whoever tells of a statement finds it where the other functions have it: as the first argument. */
static void say_statement(lua_State *L, const struct db_all *a, unsigned i)
{
    if (a->many)
        return;
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_replace(L, 1);
    lua_pop(L, 1);
}

static int push_error(lua_State *L, struct db_all *a)
{
    struct pg_error err = *a->err;
    const char *outcome = a->autocommit && db_error_is_doubtful(&err) ? "unknown" : NULL;

    free_all(a);
    say_statement(L, a, a->failed);
    db_error_push(L, &err, outcome);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "statement");
    return lua_error(L);
}

static void log_slow(lua_State *L, const struct db_all *a)
{
    const struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));

    for (unsigned i = 0; i < a->n && db->slow_us > 0; i++) {
        const struct all_item *it = &a->items[i];
        if (it->took_us < db->slow_us)
            continue;
        lua_pushvalue(L, 1);
        say_statement(L, a, i);
        db_slow_check(L, db, a->task, it->res, it->took_us);
        lua_replace(L, 1);
    }
}

static int push_together(lua_State *L, struct db_all *a)
{
    struct pg_result *parts[ALL_STATEMENTS_MAX];

    for (unsigned i = 0; i < a->n; i++)
        parts[i] = a->items[i].res;
    struct pg_result *whole = pg_result_concat(parts, a->n);
    if (whole == NULL)
        return luaL_error(L, "db.many: the columns of the statement changed while it ran");
    free_all(a);
    a->items[0].res = whole; /* should the next fail, it is the collector's to free */
    db_rows_push(L, &a->items[0].res);
    return 1;
}

/* The userdata is the last thing that the waiting function pushed. */
static int push_all(lua_State *L, void *arg)
{
    struct db_all *a = arg;

    if (a->err)
        return push_error(L, a);
    log_slow(L, a);
    if (a->many)
        return push_together(L, a);
    lua_createtable(L, (int)a->n, 0);
    for (unsigned i = 0; i < a->n; i++) {
        db_rows_push(L, &a->items[i].res);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    free_all(a);
    return 1;
}

static void finish(struct db_all *a)
{
    db_task_count(db_task_of(a->task), a->task->engine->env, a->n, clock_monotonic_us() - a->began_us);
    script_resume(a->task, push_all, a);
}

static void keep_error(struct db_all *a, const struct pg_error *err, unsigned i)
{
    a->err = pg_error_copy(err);
    a->failed = i;
}

/* ---- each on its own ---- */

static void on_reads(void *arg)
{
    struct db_all *a = arg;
    unsigned failed;
    const struct pg_error *err = reads_error(a->reads, &failed);

    for (unsigned i = 0; i < a->n; i++)
        a->items[i] = (struct all_item){reads_take(a->reads, i), reads_us(a->reads, i)};
    if (err)
        keep_error(a, err, failed);
    finish(a);
}

/* ---- as a batch ---- */

static void borrow(struct db_all *a);

static void take_rows(struct db_all *a, struct pg_result *last)
{
    uint64_t us = (clock_monotonic_us() - a->began_us) / a->n;

    for (unsigned i = 0; i < a->n; i++) {
        a->items[i].res = i + 1 < a->n ? pg_conn_batch_take(a->conn, i) : last;
        a->items[i].took_us = us;
        if (a->borrowed)
            pool_learn(a->pool, &a->sts[i], us, pg_result_bytes(a->items[i].res));
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
    unsigned failed = err ? pg_conn_batch_failed(c) : 0;

    if (err == NULL)
        take_rows(a, last);
    a->conn = NULL;
    if (a->borrowed)
        pg_conn_release(c, NULL);
    if (err && err->kind == PG_UNAVAILABLE && a->borrowed && !a->cancelled && ++a->tries < TRIES_MAX) {
        borrow(a);
        return;
    }
    if (err)
        keep_error(a, err, failed);
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
    keep_error(a, err, 0);
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
    reads_free(a->reads);
    a->reads = NULL;
    return true;
}

/* ---- what is asked for ---- */

static struct db_all *new_all(lua_State *L, unsigned n)
{
    struct db_all *a = lua_newuserdatauv(L, sizeof *a + n * sizeof a->items[0], 0);

    memset(a, 0, sizeof *a + n * sizeof a->items[0]);
    if (luaL_newmetatable(L, "neap.db.all")) {
        lua_pushcfunction(L, all_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    a->n = n;
    return a;
}

/* A table that is nothing else, or that came as a JSON array. */
static bool is_list(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE)
        return false;
    if (!lua_getmetatable(L, index))
        return true;
    bool is_array = lua_topointer(L, -1) == json_marks(L)->array;
    lua_pop(L, 1);
    return is_array;
}

static void spread(lua_State *L, int list)
{
    int n = (int)lua_rawlen(L, list);

    luaL_checkstack(L, n + 4, "too many parameters");
    for (int k = 1; k <= n; k++)
        lua_rawgeti(L, list, k);
}

/* Of one text with many sets of parameters. A set that is one value need not be a table. */
static void read_set(lua_State *L, struct db_state *db, unsigned i, struct pg_statement *st)
{
    int at = lua_gettop(L) + 1;

    if (i == 0)
        *st = db_read_text(L, 1);
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    if (is_list(L, at))
        spread(L, at++);
    db_read_values(L, db, at, st);
}

static void read_own(lua_State *L, struct db_state *db, unsigned i, struct pg_statement *st)
{
    int at = lua_gettop(L) + 1;

    if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TTABLE)
        luaL_error(L, "db.all: statement %d is not a table like {sql, ...}", (int)i + 1);
    spread(L, at);
    if (lua_type(L, at + 1) != LUA_TSTRING)
        luaL_error(L, "db.all: statement %d has no SQL", (int)i + 1);
    *st = db_read_statement(L, db, at + 1);
}

/* The i-th, after those before it; it lives until the stack is set back. */
static void read_statement(lua_State *L, struct db_state *db, const struct db_all *a, unsigned i, struct pg_statement *st)
{
    if (a->many)
        read_set(L, db, i, st);
    else
        read_own(L, db, i, st);
}

static void copy_statements(lua_State *L, struct db_state *db, struct db_all *a)
{
    int top = lua_gettop(L);
    struct pg_statement st;

    a->copies = mem_zalloc(a->n * sizeof *a->copies);
    a->sts = mem_zalloc(a->n * sizeof *a->sts);
    for (unsigned i = 0; i < a->n; i++) {
        read_statement(L, db, a, i, &st);
        statement_copy_set(&a->copies[i], &st);
        a->sts[i] = a->copies[i].st;
        lua_settop(L, top);
    }
}

/* All or none of them: a parameter that cannot be sent is found out before the first one goes. */
static bool may_run_at_once(lua_State *L, struct db_state *db, struct db_all *a)
{
    int top = lua_gettop(L);
    struct pg_statement st;
    bool may = true;

    a->reads = reads_new(a->pool, a->n);
    for (unsigned i = 0; i < a->n && may; i++) {
        read_statement(L, db, a, i, &st);
        may = reads_add(a->reads, &st);
        lua_settop(L, top);
    }
    if (!may) {
        reads_free(a->reads);
        a->reads = NULL;
    }
    return may;
}

static int run(lua_State *L, bool many, size_t n)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct task *task = script_task(L);
    struct pg_conn *conn = db_task_conn(L, db_task_of(task));

    if (conn == NULL && db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    if (conn == NULL && db->pin && db_pin_conn(db->pin)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    struct db_all *a = new_all(L, (unsigned)n);
    a->task = task;
    a->pool = db->env->pool;
    a->many = many;
    a->autocommit = conn == NULL;
    a->began_us = clock_monotonic_us();
    if (conn == NULL && may_run_at_once(L, db, a)) {
        reads_send(a->reads, on_reads, a);
    } else {
        copy_statements(L, db, a);
        if (conn)
            run_batch(a, conn);
        else
            borrow(a);
    }
    return script_wait(L, many ? "db.many" : "db.all", cancel_all, a);
}

int db_all(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t n = lua_rawlen(L, 1);
    luaL_argcheck(L, n > 0 && n <= ALL_STATEMENTS_MAX, 1, "between 1 and 1000 statements");
    return run(L, false, n);
}

int db_many(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    size_t n = lua_rawlen(L, 2);
    luaL_argcheck(L, n > 0 && n <= ALL_STATEMENTS_MAX, 2, "between 1 and 1000 sets of parameters");
    return run(L, true, n);
}
