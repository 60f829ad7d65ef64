#include "script/request/fault.h"

#include "base/log.h"
#include "http/metrics.h"
#include "script/json/json.h"
#include "script/request/service.h"
#include "script/runtime/error_text.h"
#include <lauxlib.h>

enum { MESSAGE_LOGGED_MAX = 4096 };

struct fault {
    struct task *task;
    int status;
    struct buf code, message, details, headers;
    struct buf log_details; /* JSON, for the log alone */
    bool log, is_warning;
};

static const struct {
    enum task_cancel why;
    int status;
    const char *code, *message;
} cancels[] = {
    {TASK_CLIENT_GONE, STATUS_CLIENT_LEFT, "client_closed_request", "The client left before the answer"},
    {TASK_TIMED_OUT, 504, "timeout", "The request took too long"},
    {TASK_STOPPED, 503, "unavailable", "The server is stopping"},
    {TASK_CPU, 503, "cpu_budget", "The request needed more computing time than it may have"},
    {TASK_HEAP, 503, "heap_budget", "The request needed more memory than it may have"},
};

static void log_fault_with(struct task *t, enum log_level level, const char *message, const char *key, struct slice value,
                           struct slice details)
{
    struct log_line l;
    if (!log_begin(&l, level, "handler", message))
        return;
    if (t->req != NULL) {
        log_slice(&l, "request_id", request_id(t->req));
        log_slice(&l, "route", t->req->match.route->pattern);
    }
    if (value.n > MESSAGE_LOGGED_MAX)
        value.n = MESSAGE_LOGGED_MAX;
    if (value.n > 0)
        log_slice(&l, key, value);
    if (details.n > 0)
        log_raw(&l, SLICE_LIT("details"), details);
    if (t->trace.n > 0)
        log_slice(&l, "traceback", buf_view(&t->trace));
    log_end(&l);
}

static void log_fault(struct task *t, int status, const char *message, const char *key, struct slice value)
{
    log_fault_with(t, status >= 500 ? LOG_ERROR : LOG_INFO, message, key, value, (struct slice){0});
}

static const char *cancel_message(enum task_cancel why)
{
    for (size_t i = 0; i < sizeof cancels / sizeof *cancels; i++)
        if (cancels[i].why == why)
            return cancels[i].message;
    return "it was cancelled";
}

static void answer_cancel(struct task *t)
{
    for (size_t i = 0; i < sizeof cancels / sizeof *cancels; i++) {
        if (cancels[i].why != t->cancelled)
            continue;
        log_fault(t, cancels[i].status, cancels[i].message, "waited_for", slice_str(t->what));
        struct slice headers = {0};
        if (cancels[i].status == 503)
            headers = SLICE_LIT("Retry-After: 1\r\n");
        response_error(t->req, cancels[i].status, cancels[i].code, slice_str(cancels[i].message), (struct slice){0},
                       headers);
        return;
    }
}

static void answer_internal(struct task *t)
{
    struct buf details = BUF_INIT;
    buf_lit(&details, "{\"request_id\":");
    json_write_string(&details, request_id(t->req));
    buf_char(&details, '}');
    response_error(t->req, 500, "internal", SLICE_LIT("Internal server error"), buf_view(&details), (struct slice){0});
    buf_free(&details);
}

static void read_text(lua_State *L, int index, const char *key, struct buf *out)
{
    size_t n;
    const char *s;
    if (lua_getfield(L, index, key) == LUA_TSTRING) {
        s = lua_tolstring(L, -1, &n);
        buf_append(out, s, n);
    }
    lua_pop(L, 1);
}

static void read_json(lua_State *L, int index, const char *key, struct buf *out)
{
    char err[ERR_MAX];

    if (lua_getfield(L, index, key) != LUA_TNIL && json_encode(L, -1, out, err) != 0)
        luaL_error(L, "%s of an error: %s", key, err);
    lua_pop(L, 1);
}

/* (fault, error value) -> the fault's fields, by the framework's table of errors. Raises when that fails itself. */
static int map_error(lua_State *L)
{
    struct fault *f = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, service_of(L)->error_mapper);
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) != LUA_TTABLE)
        return 0;
    int map = lua_gettop(L);
    lua_getfield(L, map, "status");
    lua_Integer status = lua_tointeger(L, -1);
    read_text(L, map, "code", &f->code);
    read_text(L, map, "message", &f->message);
    lua_getfield(L, map, "log");
    f->log = lua_toboolean(L, -1);
    if (lua_type(L, -1) == LUA_TSTRING)
        f->is_warning = strcmp(lua_tostring(L, -1), "warn") == 0;
    read_json(L, map, "details", &f->details);
    read_json(L, map, "log_details", &f->log_details);
    if (lua_getfield(L, map, "headers") == LUA_TTABLE)
        reply_headers(L, lua_gettop(L), &f->headers);
    if (status >= 400 && status <= 599 && f->code.n > 0)
        f->status = (int)status;
    return 0;
}

static enum log_level log_level_of(const struct fault *f)
{
    if (f->status != 0 && f->is_warning)
        return LOG_WARN;
    return f->status == 0 || f->status >= 500 ? LOG_ERROR : LOG_INFO;
}

static void answer_error(struct task *t)
{
    lua_State *L = t->engine->L;
    struct fault f = {.task = t};
    struct buf text = BUF_INIT;
    lua_checkstack(L, LUA_MINSTACK);
    int top = lua_gettop(L);
    lua_xmove(t->co, L, 1);
    task_enter(t, L);
    if (service_of(L)->error_mapper != LUA_NOREF) {
        lua_pushcfunction(L, map_error);
        lua_pushlightuserdata(L, &f);
        lua_pushvalue(L, top + 1);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
            f.status = 0;
            error_text(L, -1, &text);
            log_fault(t, 500, "the error mapper failed", "error", buf_view(&text));
            buf_clear(&text);
            lua_pop(L, 1);
        }
    }
    if (f.status == 0 || f.log) {
        error_text(L, top + 1, &text);
        log_fault_with(t, log_level_of(&f), "handler error", "error", buf_view(&text), buf_view(&f.log_details));
    }
    task_leave(t, L);
    if (f.status == 0 || f.status == 500)
        answer_internal(t);
    else {
        buf_char(&f.code, 0);
        response_error(t->req, f.status, f.code.p, buf_view(&f.message), buf_view(&f.details), buf_view(&f.headers));
    }
    lua_settop(L, top);
    buf_free(&text);
    buf_free(&f.code);
    buf_free(&f.message);
    buf_free(&f.details);
    buf_free(&f.headers);
    buf_free(&f.log_details);
}

void fault_answer(struct task *t, enum task_outcome how)
{
    if (t->cancelled == TASK_LIVE && how == OUTCOME_ERROR && lua_status(t->co) == LUA_ERRMEM)
        t->cancelled = TASK_HEAP;
    if (t->cancelled != TASK_LIVE) {
        answer_cancel(t);
    } else if (how == OUTCOME_YIELDED) {
        log_fault(t, 500, "a handler called coroutine.yield outside of a coroutine of its own", "error", (struct slice){0});
        answer_internal(t);
    } else {
        answer_error(t);
    }
}

void fault_log(struct task *t, enum task_outcome how, const char *message)
{
    struct buf text = BUF_INIT;
    if (t->cancelled == TASK_LIVE && how == OUTCOME_ERROR && lua_status(t->co) == LUA_ERRMEM)
        t->cancelled = TASK_HEAP;
    if (t->cancelled != TASK_LIVE)
        buf_str(&text, cancel_message(t->cancelled));
    else if (how == OUTCOME_YIELDED)
        buf_lit(&text, "coroutine.yield outside of a coroutine of its own");
    else
        error_text_of_task(t, &text);
    log_fault(t, 500, message, "error", buf_view(&text));
    buf_free(&text);
}
