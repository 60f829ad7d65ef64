/* db.each: the rows of a statement one by one, however many there are. What is in memory is one part of them. */
#include "base/mem.h"
#include "script/db/flow.h"
#include "script/db/rows.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>
#include <stdlib.h>

#define DB_EACH "neap.db.each"

enum { ROW_META = FLOW_SQL + 1 };

struct db_each {
    struct db_flow flow;
    struct pg_result *rows; /* owned; NULL: the next part is to be asked for */
    int at;
};

static void on_part(void *arg)
{
    struct db_each *e = arg;

    e->rows = pg_conn_take_rows(e->flow.conn);
    e->at = 0;
    pg_conn_drop_data(e->flow.conn);
    db_flow_ready(&e->flow);
}

static void start(struct db_flow *f)
{
    pg_conn_stream(f->conn, &f->copy.st, on_part, db_flow_end, f);
    statement_copy_free(&f->copy); /* the connection has one of its own */
}

/* The handle is at index 1. */
static int push_row(lua_State *L, struct db_each *e)
{
    if (lua_getiuservalue(L, 1, ROW_META) == LUA_TNIL) {
        lua_pop(L, 1);
        db_row_push_meta(L, e->rows);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, ROW_META);
    }
    db_row_push(L, e->rows, e->at);
    if (++e->at == pg_result_rows(e->rows)) {
        pg_result_free(e->rows);
        e->rows = NULL;
    }
    return 1;
}

static int push_next(lua_State *L, void *arg)
{
    struct db_each *e = arg;

    if (e->rows)
        return push_row(L, e);
    if (e->flow.err)
        return db_flow_raise(L, &e->flow, 1);
    lua_pushnil(L);
    return 1;
}

static struct db_each *check_each(lua_State *L)
{
    return luaL_checkudata(L, 1, DB_EACH);
}

static int each_next(lua_State *L)
{
    struct db_each *e = check_each(L);

    lua_settop(L, 1);
    db_flow_check_task(L, &e->flow);
    if (e->rows || e->flow.state == FLOW_ENDED)
        return push_next(L, e);
    if (e->flow.state == FLOW_ENDING)
        return luaL_error(L, "db.each: it is being closed");
    (void)script_task(L);
    pg_conn_more(e->flow.conn);
    return db_flow_wait(L, &e->flow, push_next);
}

static int each_close(lua_State *L)
{
    struct db_each *e = check_each(L);

    pg_result_free(e->rows);
    e->rows = NULL;
    return db_flow_close(L, &e->flow);
}

static int each_gc(lua_State *L)
{
    struct db_each *e = check_each(L);

    pg_result_free(e->rows);
    e->rows = NULL;
    db_flow_free(&e->flow);
    return 0;
}

/* What a generic for takes: its fourth value is closed when the loop ends, however it ends. */
static int push_begun(lua_State *L, void *arg)
{
    struct db_each *e = arg;

    if (e->flow.err)
        return db_flow_raise(L, &e->flow, -1);
    int handle = lua_gettop(L);
    lua_pushcfunction(L, each_next);
    lua_pushvalue(L, handle);
    lua_pushnil(L);
    lua_pushvalue(L, handle);
    return 4;
}

/* (sql, ...) */
int db_each(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct pg_statement st = db_read_statement(L, db, 1);
    struct db_each *e = lua_newuserdatauv(L, sizeof *e, ROW_META);

    *e = (struct db_each){.flow = {.db = db, .what = "db.each", .start = start}};
    luaL_setmetatable(L, DB_EACH);
    db_flow_init(L, &e->flow, &st);
    return db_flow_begin(L, &e->flow, push_begun);
}

void db_each_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", each_close}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", each_close}, {"__gc", each_gc}, {NULL, NULL}};

    userdata_metatable(L, DB_EACH, methods, meta, NULL);
    lua_pop(L, 1);
}
