#include "script/db.h"

#include "base/mem.h"
#include "script/engine_internal.h"
#include <lauxlib.h>
#include <stdlib.h>

/* A connection that belongs to one task for a while: db.session, and db.tx, which is a transaction on it. Inside each
 * other they share the connection, and a transaction inside another is a savepoint. */
enum lease_kind { LEASE_SESSION, LEASE_TX, LEASE_SAVEPOINT };

struct db_lease {
    struct db_state *db;
    struct db_task *owner;
    struct db_lease *parent; /* the one around it; NULL: this one borrowed the connection */
    struct pg_conn *conn;    /* NULL until it is there */
    enum lease_kind kind;
    unsigned depth;          /* 0: no transaction; 1: a transaction; from 2 on: savepoint neap_<depth> */
    bool pinned;             /* its connection is the specs' own */
    bool open;               /* begun, not ended */
    bool broken;             /* an inner one could not be rolled back: nothing may be committed any more */
    bool cancelled;
    lua_Integer timeout_ms;  /* of its statements; -1: the default */
    struct task *task;       /* while it waits */
    struct pool_wait wait;
    struct db_turn turn;
    struct pg_error *err;    /* owned; of the wait */
    char where[WHERE_MAX];
    char sql[192];           /* that begins or ends it */
};

static struct db_lease *root_of(struct db_lease *l)
{
    while (l->parent)
        l = l->parent;
    return l;
}

struct pg_conn *db_task_conn(lua_State *L, const struct db_task *t)
{
    if (t->top == NULL)
        return NULL;
    if (root_of(t->top)->broken)
        db_error_raise(L, PG_LOST, "a transaction inside this one was interrupted: this one can only be rolled back");
    return t->top->conn;
}

bool db_task_in_tx(const struct db_task *t)
{
    return t->top != NULL && t->top->depth > 0;
}

/* With all that are still open inside it. */
static void unlink_lease(struct db_lease *l)
{
    struct db_lease *inner;

    do {
        inner = l->owner->top;
        inner->open = false;
        l->owner->top = inner->parent;
    } while (inner != l);
}

enum ending { END_COMMITTED, END_ABORTED, END_LEAKED };

static void give_back(struct db_lease *l, enum ending how)
{
    struct pg_conn *c = l->conn;

    l->conn = NULL;
    if (l->parent)
        return;
    if (l->pinned && how == END_COMMITTED)
        db_turn_end(&l->turn);
    else if (l->pinned)
        db_turn_roll_back(&l->turn);
    else if (how == END_LEAKED)
        pg_conn_release(c, l->where);
    else if (l->kind == LEASE_SESSION)
        pg_conn_retire(c);
    else if (how == END_ABORTED)
        pg_conn_rollback(c);
    else
        pg_conn_release(c, l->where);
}

void db_task_end(struct db_task *t)
{
    while (t->top) {
        struct db_lease *l = t->top;
        unlink_lease(l);
        give_back(l, END_LEAKED);
    }
}

void db_task_log(const struct db_task *t, struct buf *fields)
{
    if (t->statements > 0)
        buf_printf(fields, ",\"db_ms\":%.3f,\"db_queries\":%u", (double)t->us / 1000, t->statements);
}

static void keep_error(struct db_lease *l, const struct pg_error *err)
{
    if (err == NULL)
        return;
    l->err = mem_alloc(sizeof *l->err);
    *l->err = *err;
}

static int raise_kept(lua_State *L, struct db_lease *l, const char *outcome)
{
    db_error_push(L, l->err, outcome);
    free(l->err);
    l->err = NULL;
    return lua_error(L);
}

static void run(struct db_lease *l, pg_result_fn fn)
{
    l->owner->statements++;
    pg_conn_script(l->conn, slice_str(l->sql), fn, l);
}

/* ---- begin ---- */

static int push_begun(lua_State *L, void *arg)
{
    struct db_lease *l = arg;

    if (l->err)
        return raise_kept(L, l, NULL);
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

    pg_result_free(res);
    if (err == NULL && l->cancelled) {
        pg_error_set(&cancelled, PG_CANCELLED, "cancelled");
        err = &cancelled;
    }
    keep_error(l, err);
    if (err == NULL)
        begun(l);
    else if (l->owner->top == NULL)
        give_back(l, END_ABORTED);
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
    run(l, on_begun);
}

static void on_conn(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err)
{
    struct db_lease *l = w->arg;

    if (err) {
        keep_error(l, err);
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
        keep_error(l, err);
        script_resume(l->task, push_begun, l);
        return;
    }
    l->conn = db_pin_conn(t->pin);
    run(l, on_begun);
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

static struct db_lease *new_lease(lua_State *L, struct db_state *db, struct task *task, bool is_tx)
{
    struct db_lease *l = lua_newuserdatauv(L, sizeof *l, 0);

    *l = (struct db_lease){.db = db, .owner = db_task_of(task), .task = task};
    luaL_setmetatable(L, DB_LEASE);
    l->pinned = l->owner->top == NULL && db->pin;
    l->depth = (l->owner->top ? l->owner->top->depth : 0) + (is_tx || l->pinned);
    l->kind = !is_tx ? LEASE_SESSION : l->depth > 1 ? LEASE_SAVEPOINT : LEASE_TX;
    db_where(L, l->where);
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
    lua_settop(L, 2);
    struct db_lease *l = new_lease(L, db, task, sql != NULL);
    write_begin(l, sql, timeout_ms);
    l->conn = around;
    l->timeout_ms = timeout_ms;
    if (around && l->kind == LEASE_SESSION) {
        begun(l);
        return 1;
    }
    if (around)
        run(l, on_begun);
    else if (l->pinned && db_turn_take(db->pin, &l->turn, on_turn, l))
        on_turn(&l->turn, NULL);
    else if (!l->pinned)
        borrow(l);
    return script_wait(L, "db.tx", cancel_begin, l);
}

/* ---- commit ---- */

static int push_committed(lua_State *L, void *arg)
{
    struct db_lease *l = arg;

    if (l->err)
        return raise_kept(L, l, l->kind == LEASE_TX && db_error_is_doubtful(l->err) ? "unknown" : NULL);
    return 0;
}

static void on_committed(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_lease *l = arg;

    pg_result_free(res);
    keep_error(l, err);
    if (err == NULL) {
        unlink_lease(l);
        give_back(l, END_COMMITTED);
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

static int lease_commit(lua_State *L)
{
    struct db_lease *l = luaL_checkudata(L, 1, DB_LEASE);

    if (l->kind == LEASE_SESSION && !l->pinned) {
        if (l->open) {
            unlink_lease(l);
            give_back(l, END_COMMITTED);
        }
        return 0;
    }
    check_can_commit(L, l);
    l->task = script_task(L);
    write_commit(l);
    run(l, on_committed);
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

    pg_result_free(res);
    if (err == NULL)
        root_of(l)->broken = false;
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
    unlink_lease(l);
    if (l->parent == NULL) {
        give_back(l, END_ABORTED);
        return 0;
    }
    if (!needs_rollback(l))
        return 0;
    root_of(l)->broken = true;
    if (!lua_isyieldable(L) || script_task_or_null(L) == NULL)
        return 0;
    l->task = script_task(L);
    write_rollback(l);
    run(l, on_rolled_back);
    return script_wait(L, "db.tx", cancel_nothing, l);
}

static int lease_gc(lua_State *L)
{
    struct db_lease *l = luaL_checkudata(L, 1, DB_LEASE);

    free(l->err);
    l->err = NULL;
    if (!l->open)
        return 0;
    unlink_lease(l);
    if (l->parent)
        root_of(l)->broken = true;
    give_back(l, END_LEAKED);
    return 0;
}

void db_lease_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"commit", lease_commit}, {NULL, NULL}};

    luaL_newmetatable(L, DB_LEASE);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, lease_close);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, lease_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
