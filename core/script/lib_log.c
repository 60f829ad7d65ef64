#include "base/log.h"
#include "http/request.h"
#include "script/json/json.h"
#include "script/lib_core.h"
#include "script/request/service.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task_internal.h"
#include <lauxlib.h>

enum { BOUND_BYTES_MAX = 8192 };

static const char *const level_names[] = {"debug", "info", "warn", "error", "off", NULL};

/* Appends ,"key":value for each field of the table at index. A value that JSON can't hold is logged as its text: a log
 * line is no place to fail. */
static void write_fields(lua_State *L, int index, struct buf *out)
{
    char err[ERR_MAX];
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            buf_char(out, ',');
            json_write_string(out, lua_slice_at(L, -2));
            buf_char(out, ':');
            size_t start = out->n;
            if (json_encode(L, lua_gettop(L), out, err) != 0) {
                out->n = start;
                json_write_string(out, slice_str(luaL_typename(L, -1)));
            }
        }
        lua_pop(L, 1);
    }
}

/* log(level, module, message[, fields]) */
static int l_log(lua_State *L)
{
    enum log_level level = (enum log_level)luaL_checkoption(L, 1, NULL, level_names);
    struct slice module = lua_slice_check(L, 2), message = lua_slice_check(L, 3);
    if (level < log_level())
        return 0;
    struct service *s = service_of(L);
    size_t start = s->scratch_headers.n; /* fields are written first: what is wrong with them must not leave half a line */
    if (lua_istable(L, 4))
        write_fields(L, 4, &s->scratch_headers);
    struct log_line l;
    if (log_begin_n(&l, level, module, message)) {
        struct task *t = s->engine.current;
        if (t != NULL && t->req != NULL) {
            log_slice(&l, "request_id", request_id(t->req));
            if (t->req->user_id.n > 0)
                log_slice(&l, "user_id", t->req->user_id);
        }
        if (t != NULL)
            log_members(&l, buf_view(&t->bound));
        if (s->scratch_headers.n > start)
            log_members(&l, slice_of(s->scratch_headers.p + start, s->scratch_headers.n - start));
        log_end(&l);
    }
    s->scratch_headers.n = start;
    return 0;
}

/* log_bind(fields): every later line of this task has them. */
static int l_log_bind(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct task *t = script_task_or_null(L);
    if (t == NULL)
        return luaL_error(L, "log.bind belongs to a request: there is none while the application loads");
    if (t->bound.n > BOUND_BYTES_MAX)
        return luaL_error(L, "log.bind: more than %d bytes are bound already", BOUND_BYTES_MAX);
    write_fields(L, 1, &t->bound);
    return 0;
}

static int l_log_level(lua_State *L)
{
    lua_pushstring(L, level_names[log_level()]);
    return 1;
}

/* log_hold(on): whether lines stay in memory from now on; what was held before is forgotten. */
static int l_log_hold(lua_State *L)
{
    log_hold(lua_toboolean(L, 1));
    return 0;
}

/* log_held() -> the lines that are held. */
static int l_log_held(lua_State *L)
{
    struct slice lines = log_held();
    lua_pushlstring(L, lines.n > 0 ? lines.p : "", lines.n);
    return 1;
}

static const luaL_Reg functions[] = {{"log", l_log},           {"log_bind", l_log_bind}, {"log_level", l_log_level},
                                     {"log_hold", l_log_hold}, {"log_held", l_log_held}, {NULL, NULL}};

void lib_log_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
