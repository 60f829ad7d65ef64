#include "script/db/db.h"

#include "base/mem.h"
#include "script/runtime/env.h"
#include "script/runtime/waiter.h"
#include <lauxlib.h>
#include <stdlib.h>

/* ping(seconds) -> true, or nil and an error: for health checks, which must not wait for long whatever the database does.
 * The statement may outlive the wait, so its state is no Lua value. */
struct ping {
    struct task *task; /* NULL: nobody waits any more */
    struct wheel *wheel;
    struct wheel_timer deadline;
    struct pool_query *query; /* NULL: it has been answered */
    struct pg_error err;      /* kind PG_OK: it is well */
};

static void free_when_done(struct ping *p)
{
    if (p->task == NULL && p->query == NULL)
        free(p);
}

static int push_pong(lua_State *L, void *arg)
{
    struct ping *p = arg;
    struct pg_error err = p->err;

    p->task = NULL;
    free_when_done(p);
    if (err.kind == PG_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    db_error_push(L, &err, NULL);
    return 2;
}

static void give_up(struct ping *p)
{
    wheel_clear(p->wheel, &p->deadline);
    if (p->query && pool_query_cancel(p->query))
        p->query = NULL;
}

static void on_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct ping *p = arg;

    pg_result_free(res);
    p->query = NULL;
    if (p->task == NULL) {
        free_when_done(p);
        return;
    }
    wheel_clear(p->wheel, &p->deadline);
    if (err)
        p->err = *err;
    script_resume(p->task, push_pong, p);
}

static void on_deadline(struct wheel_timer *t)
{
    struct ping *p = LIST_OF(t, struct ping, deadline);

    give_up(p);
    pg_error_set(&p->err, PG_TIMED_OUT, "the database did not answer in time");
    script_resume(p->task, push_pong, p);
}

static bool on_cancel(void *arg)
{
    struct ping *p = arg;

    give_up(p);
    p->task = NULL;
    free_when_done(p);
    return true;
}

int db_ping(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    double seconds = waiter_check_seconds(L, 1, 1.0);
    struct task *task = script_task(L);
    struct pg_statement st = {.sql = SLICE_LIT("SELECT 1")};
    struct pg_error err;

    if (db->env->pool == NULL) {
        pg_error_set(&err, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
        lua_pushnil(L);
        db_error_push(L, &err, NULL);
        return 2;
    }
    struct ping *p = mem_zalloc(sizeof *p);
    p->task = task;
    p->wheel = db->env->wheel;
    wheel_timer_init(&p->deadline, on_deadline);
    wheel_set(p->wheel, &p->deadline, seconds < 3600 ? (uint64_t)(seconds * 1000) : 3600000);
    p->query = pool_query(db->env->pool, &st, NULL, on_answer, p);
    return script_wait(L, "db.ping", on_cancel, p);
}
