/* db.copy_in and db.copy_out: the data of a COPY, piece by piece, at the pace of whoever is slower. */
#include "base/mem.h"
#include "script/db/flow.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>
#include <stdlib.h>

#define DB_COPY_IN "neap.db.copy_in"
#define DB_COPY_OUT "neap.db.copy_out"

enum { PIECE_BYTES = 64 * 1024 }; /* so many are gathered before they are sent */

/* ---- out ---- */

struct copy_out {
    struct db_flow flow;
    bool has_part;
};

static void on_part(void *arg)
{
    struct copy_out *c = arg;

    pg_result_free(pg_conn_take_rows(c->flow.conn));
    c->has_part = true;
    db_flow_ready(&c->flow);
}

static void start_out(struct db_flow *f)
{
    pg_conn_stream(f->conn, &f->copy.st, on_part, db_flow_end, f);
}

static int push_piece(lua_State *L, void *arg)
{
    struct copy_out *c = arg;

    if (c->flow.err)
        return db_flow_raise(L, &c->flow, 1);
    if (!c->has_part) {
        lua_pushnil(L);
        return 1;
    }
    c->has_part = false;
    struct slice piece = pg_conn_view_data(c->flow.conn);
    lua_pushlstring(L, piece.p, piece.n);
    pg_conn_drop_data(c->flow.conn);
    return 1;
}

static int out_next(lua_State *L)
{
    struct copy_out *c = luaL_checkudata(L, 1, DB_COPY_OUT);

    lua_settop(L, 1);
    db_flow_check_task(L, &c->flow);
    if (c->has_part || c->flow.state == FLOW_ENDED)
        return push_piece(L, c);
    if (c->flow.state == FLOW_ENDING)
        return luaL_error(L, "db.copy_out: it is being closed");
    (void)script_task(L);
    pg_conn_more(c->flow.conn);
    return db_flow_wait(L, &c->flow, push_piece);
}

static int out_close(lua_State *L)
{
    struct copy_out *c = luaL_checkudata(L, 1, DB_COPY_OUT);

    c->has_part = false;
    return db_flow_close(L, &c->flow);
}

static int out_gc(lua_State *L)
{
    struct copy_out *c = luaL_checkudata(L, 1, DB_COPY_OUT);

    db_flow_free(&c->flow);
    return 0;
}

static int push_out(lua_State *L, void *arg)
{
    struct copy_out *c = arg;

    if (c->flow.err)
        return db_flow_raise(L, &c->flow, -1);
    int handle = lua_gettop(L);
    lua_pushcfunction(L, out_next);
    lua_pushvalue(L, handle);
    lua_pushnil(L);
    lua_pushvalue(L, handle);
    return 4;
}

/* The first word: what gives rows is db.each's business. */
static struct pg_statement check_copy(lua_State *L, const char *what)
{
    size_t n, i = 0;
    const char *sql = luaL_checklstring(L, 1, &n);

    while (i < n && (sql[i] == ' ' || (sql[i] >= '\t' && sql[i] <= '\r')))
        i++;
    if (n - i < 5 || strncasecmp(sql + i, "copy", 4) != 0)
        luaL_error(L, "%s: takes a COPY statement", what);
    lua_settop(L, 1);
    return (struct pg_statement){.sql = slice_of(sql, n)};
}

int db_copy_out(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct pg_statement st = check_copy(L, "db.copy_out");
    struct copy_out *c = lua_newuserdatauv(L, sizeof *c, FLOW_SQL);

    *c = (struct copy_out){.flow = {.db = db, .what = "db.copy_out", .start = start_out}};
    luaL_setmetatable(L, DB_COPY_OUT);
    db_flow_init(L, &c->flow, &st);
    return db_flow_begin(L, &c->flow, push_out);
}

/* ---- in ---- */

struct copy_in {
    struct db_flow flow;
    struct buf out, value;
    int columns;
    bool took; /* the server has asked for data */
};

static void on_ready(void *arg)
{
    struct copy_in *c = arg;

    c->took = true;
    c->columns = pg_conn_copy_columns(c->flow.conn);
    db_flow_ready(&c->flow);
}

static void start_in(struct db_flow *f)
{
    pg_conn_copy_in(f->conn, f->copy.st.sql, on_ready, db_flow_end, f);
}

static int push_in(lua_State *L, void *arg)
{
    struct copy_in *c = arg;

    if (c->flow.err)
        return db_flow_raise(L, &c->flow, -1);
    if (!c->took)
        return luaL_error(L, "db.copy_in: this COPY takes no data: write FROM STDIN");
    lua_pushvalue(L, -1);
    return 1;
}

int db_copy_in(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct pg_statement st = check_copy(L, "db.copy_in");
    struct copy_in *c = lua_newuserdatauv(L, sizeof *c, FLOW_SQL);

    *c = (struct copy_in){.flow = {.db = db, .what = "db.copy_in", .start = start_in}};
    luaL_setmetatable(L, DB_COPY_IN);
    db_flow_init(L, &c->flow, &st);
    return db_flow_begin(L, &c->flow, push_in);
}

/* The text format by the Postgres manual, COPY. */
static void put_escaped(struct buf *out, struct slice text)
{
    static const char special[] = "\\\n\r\t", letter[] = "\\nrt";

    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(special, text.p[i]) : NULL;
        if (at)
            buf_char(out, '\\');
        buf_char(out, at ? letter[at - special] : text.p[i]);
    }
}

static void put_value(lua_State *L, struct copy_in *c, int index, int column)
{
    size_t n;
    const char *s;

    if (lua_type(L, index) == LUA_TSTRING) {
        s = lua_tolstring(L, index, &n);
        put_escaped(&c->out, slice_of(s, n));
        return;
    }
    buf_clear(&c->value);
    if (db_write_value(L, index, -column, &c->value))
        put_escaped(&c->out, buf_view(&c->value));
    else
        buf_lit(&c->out, "\\N");
}

/* Keys that are names would be NULL in every column without a word. */
static void check_row(lua_State *L, const struct copy_in *c, int index)
{
    lua_Unsigned n = lua_rawlen(L, index);

    if (n > (lua_Unsigned)c->columns)
        luaL_error(L, "db.copy_in: a row of %d values for %d columns", (int)n, c->columns);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (!lua_isinteger(L, -2))
            luaL_error(L, "db.copy_in: a row is a list of values in the order of the columns");
        lua_pop(L, 2);
        return;
    }
}

static void put_row(lua_State *L, struct copy_in *c, int index)
{
    check_row(L, c, index);
    for (int i = 1; i <= c->columns; i++) {
        if (i > 1)
            buf_char(&c->out, '\t');
        lua_rawgeti(L, index, i);
        put_value(L, c, lua_gettop(L), i);
        lua_pop(L, 1);
    }
    buf_char(&c->out, '\n');
}

static struct copy_in *check_in(lua_State *L)
{
    struct copy_in *c = luaL_checkudata(L, 1, DB_COPY_IN);

    db_flow_check_task(L, &c->flow);
    return c;
}

static int push_end(lua_State *L, void *arg)
{
    struct copy_in *c = arg;

    if (c->flow.err)
        return db_flow_raise(L, &c->flow, 1);
    lua_pushinteger(L, c->flow.affected);
    return 1;
}

/* Ended already: by an error, of which whoever writes on hears, or by close. */
static int over(lua_State *L, struct copy_in *c)
{
    if (c->flow.state == FLOW_ENDING)
        return db_flow_wait(L, &c->flow, push_end);
    if (c->flow.err)
        return db_flow_raise(L, &c->flow, 1);
    return luaL_error(L, "db.copy_in: it is over");
}

static int push_written(lua_State *L, void *arg)
{
    struct copy_in *c = arg;

    return c->flow.err ? db_flow_raise(L, &c->flow, 1) : 0;
}

/* write(self, text or row) */
static int in_write(lua_State *L)
{
    struct copy_in *c = check_in(L);
    size_t n;

    lua_settop(L, 2);
    if (c->flow.state != FLOW_RUNNING)
        return over(L, c);
    if (lua_type(L, 2) == LUA_TTABLE) {
        put_row(L, c, 2);
    } else {
        const char *s = luaL_checklstring(L, 2, &n);
        buf_append(&c->out, s, n);
    }
    if (c->out.n < PIECE_BYTES)
        return 0;
    (void)script_task(L);
    pg_conn_copy_put(c->flow.conn, buf_view(&c->out));
    buf_clear(&c->out);
    return db_flow_wait(L, &c->flow, push_written);
}

/* finish(self) -> rows */
static int in_finish(lua_State *L)
{
    struct copy_in *c = check_in(L);

    lua_settop(L, 1);
    if (c->flow.state != FLOW_RUNNING)
        return over(L, c);
    (void)script_task(L);
    pg_conn_copy_end(c->flow.conn, buf_view(&c->out));
    buf_free(&c->out);
    return db_flow_wait(L, &c->flow, push_end);
}

static int in_close(lua_State *L)
{
    struct copy_in *c = luaL_checkudata(L, 1, DB_COPY_IN);

    return db_flow_close(L, &c->flow);
}

static int in_gc(lua_State *L)
{
    struct copy_in *c = luaL_checkudata(L, 1, DB_COPY_IN);

    buf_free(&c->out);
    buf_free(&c->value);
    db_flow_free(&c->flow);
    return 0;
}

void db_copy_open(lua_State *L)
{
    static const luaL_Reg out[] = {{"close", out_close}, {NULL, NULL}};
    static const luaL_Reg out_meta[] = {{"__close", out_close}, {"__gc", out_gc}, {NULL, NULL}};
    static const luaL_Reg in[] = {{"write", in_write}, {"finish", in_finish}, {"close", in_close}, {NULL, NULL}};
    static const luaL_Reg in_meta[] = {{"__close", in_close}, {"__gc", in_gc}, {NULL, NULL}};

    userdata_metatable(L, DB_COPY_OUT, out, out_meta, NULL);
    userdata_metatable(L, DB_COPY_IN, in, in_meta, NULL);
    lua_pop(L, 2);
}
