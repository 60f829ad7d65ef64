#include "script/db/rows.h"

#include "base/log.h"
#include "http/request.h"
#include "script/runtime/counts.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

enum { STATEMENT_LOGGED_MAX = 4096 };

int db_slow(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    lua_Integer ms = luaL_checkinteger(L, 1);

    db->slow_us = ms > 0 ? (uint64_t)ms * 1000 : 0;
    return 0;
}

void db_task_count(struct db_task *t, const struct script_env *env, unsigned statements, uint64_t us)
{
    t->statements += statements;
    t->us += us;
    counter_add(&env->counts->statements, statements);
    counter_add(&env->counts->statement_us, us);
}

/* No values of parameters: they are the clients' data. */
void db_slow_check(lua_State *L, const struct db_state *db, struct task *t, const struct pg_result *res, uint64_t us)
{
    char where[WHERE_MAX];
    struct log_line l;
    struct slice sql;

    if (db->slow_us == 0 || us < db->slow_us)
        return;
    counter_add(&db->env->counts->slow_statements, 1);
    if (!log_begin(&l, LOG_WARN, "db", "slow statement"))
        return;
    db_where(L, where);
    sql.p = lua_tolstring(L, 1, &sql.n);
    if (sql.n > STATEMENT_LOGGED_MAX)
        sql.n = STATEMENT_LOGGED_MAX;
    if (t->req)
        log_slice(&l, "request_id", request_id(t->req));
    log_str(&l, "where", where);
    log_int(&l, "ms", (int64_t)(us / 1000));
    if (res)
        log_int(&l, "rows", pg_result_rows(res));
    log_slice(&l, "statement", sql);
    log_end(&l);
}
