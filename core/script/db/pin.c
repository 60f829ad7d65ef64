#include "script/db/pin.h"

#include "base/mem.h"
#include "script/runtime/env.h"
#include <lauxlib.h>
#include <stdlib.h>

/* While specs run, one connection inside one open transaction serves the whole process: what a spec writes is seen by
 * the handlers that it calls, and is gone when it is over. Each statement and each db.tx is a savepoint of its own, so
 * that one that fails does not end the transaction. */
struct db_pin {
    struct db_state *db;
    struct pg_conn *conn; /* borrowed from the pool; NULL while it is waited for */
    struct pool_wait wait;
    struct task *task; /* in pin() or unpin() */
    struct list line;
    bool taken;
    bool over;            /* unpinned while somebody held it: goes with its holder */
    struct pg_error *err; /* owned; of pin() */
    struct db_turn last;  /* of unpin() */
};

struct pg_conn *db_pin_conn(const struct db_pin *pin)
{
    return pin->conn;
}

void db_turn_free(struct db_turn *t)
{
    statement_copy_free(&t->copy);
    free(t);
}

static void take_out(struct db_turn *t)
{
    wheel_clear(t->pin->db->env->wheel, &t->deadline);
    list_remove(&t->link);
}

/* Most likely a spec's own db.tx holds it while a handler that the spec called waits for it. */
static void on_deadline(struct wheel_timer *timer)
{
    struct db_turn *t = LIST_OF(timer, struct db_turn, deadline);
    struct pg_error err;

    take_out(t);
    pg_error_set(&err, PG_WAITED, "the specs' connection was in use for too long, by a db.tx that is open?");
    t->fn(t, &err);
}

bool db_turn_take(struct db_pin *pin, struct db_turn *t, void (*fn)(struct db_turn *, const struct pg_error *), void *arg)
{
    enum { WAIT_MS = 5000 };

    t->pin = pin;
    t->fn = fn;
    t->arg = arg;
    list_init(&t->link);
    wheel_timer_init(&t->deadline, on_deadline);
    if (!pin->taken) {
        pin->taken = true;
        return true;
    }
    list_push_back(&pin->line, &t->link);
    wheel_set(pin->db->env->wheel, &t->deadline, WAIT_MS);
    return false;
}

void db_turn_leave(struct db_turn *t)
{
    take_out(t);
}

static void pin_free(struct db_pin *pin)
{
    free(pin->err);
    free(pin);
}

static void next(struct db_pin *pin)
{
    struct list *n = list_first(&pin->line);

    if (pin->over) {
        pg_conn_rollback(pin->conn);
        pin_free(pin);
        return;
    }
    if (n == NULL) {
        pin->taken = false;
        return;
    }
    struct db_turn *t = LIST_OF(n, struct db_turn, link);
    take_out(t);
    t->fn(t, NULL);
}

void db_turn_end(struct db_turn *t)
{
    next(t->pin);
}

static void on_rolled_back(struct pg_result *res, const struct pg_error *err, void *arg)
{
    (void)err; /* then the connection is gone, and whoever is next hears of it */
    pg_result_free(res);
    next(arg);
}

void db_turn_roll_back(struct db_turn *t)
{
    pg_conn_script(t->pin->conn, SLICE_LIT("ROLLBACK TO SAVEPOINT neap_pin; RELEASE SAVEPOINT neap_pin"), on_rolled_back,
                   t->pin);
}

/* ---- pin and unpin ---- */

static int push_pinned(lua_State *L, void *arg)
{
    struct db_pin *pin = arg;

    if (pin->err == NULL)
        return 0;
    db_error_push(L, pin->err, NULL);
    if (pin->conn)
        pg_conn_rollback(pin->conn);
    pin->db->pin = NULL;
    pin_free(pin);
    return lua_error(L);
}

static void keep_error(struct db_pin *pin, const struct pg_error *err)
{
    if (err == NULL)
        return;
    pin->err = pg_error_copy(err);
}

static void on_begun(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct db_pin *pin = arg;

    pg_result_free(res);
    keep_error(pin, err);
    script_resume(pin->task, push_pinned, pin);
}

static void on_conn(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err)
{
    struct db_pin *pin = w->arg;

    if (err) {
        keep_error(pin, err);
        script_resume(pin->task, push_pinned, pin);
        return;
    }
    pin->conn = conn;
    pg_conn_script(conn, SLICE_LIT("BEGIN"), on_begun, pin);
}

/* Both end soon, with their deadlines; what they would leave behind is worse than the wait. */
static bool cancel_nothing(void *arg)
{
    (void)arg;
    return false;
}

int db_pin(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct task *task = script_task(L);

    if (db->pin)
        return luaL_error(L, "db: the process is pinned already");
    if (db->env->pool == NULL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    struct db_pin *pin = mem_zalloc(sizeof *pin);
    pin->db = db;
    pin->task = task;
    list_init(&pin->line);
    db->pin = pin;
    pool_acquire(db->env->pool, &pin->wait, on_conn, pin);
    return script_wait(L, "db.pin", cancel_nothing, NULL);
}

static int push_unpinned(lua_State *L, void *arg)
{
    (void)L;
    (void)arg;
    return 0;
}

static void on_last_turn(struct db_turn *t, const struct pg_error *err)
{
    struct db_pin *pin = t->arg;
    struct task *task = pin->task;
    struct pg_error over;

    pin->db->pin = NULL;
    pin->over = true;
    pg_error_set(&over, PG_CANCELLED, "the spec is over");
    while (!list_is_empty(&pin->line)) {
        struct db_turn *waits = LIST_OF(list_first(&pin->line), struct db_turn, link);
        take_out(waits);
        waits->fn(waits, &over);
    }
    if (err == NULL) /* else somebody still has it, and next() is called when he is through */
        next(pin);
    script_resume(task, push_unpinned, NULL);
}

int db_unpin(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct task *task = script_task(L);
    struct db_pin *pin = db->pin;

    if (pin == NULL || pin->conn == NULL)
        return luaL_error(L, "db: the process is not pinned");
    pin->task = task;
    if (!db_turn_take(pin, &pin->last, on_last_turn, pin))
        return script_wait(L, "db.unpin", cancel_nothing, NULL);
    db->pin = NULL;
    pin->over = true;
    next(pin);
    return 0;
}
