#include "script/request/lib_stream.h"

#include "base/log.h"
#include "http/request.h"
#include "http/server.h"
#include "http/stream.h"
#include "script/request/fault.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include "script/runtime/lua_slice.h"
#include "script/runtime/task_internal.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

enum {
    PIECE_BYTES = 64 * 1024,  /* out:write hands a long string over in these */
    BURST_BYTES = 512 * 1024, /* in one turn of the loop: about a millisecond */
    QUEUE_BYTES_MIN = 4 * 1024,
};
enum { UV_ON_CLOSE = 1, UV_FAREWELL, UV_COUNT = UV_FAREWELL };

struct outlet {
    struct engine *engine;
    struct stream *stream; /* owned; NULL once it has ended */
    struct task *writer;   /* waits in out:write */
    struct slice rest;     /* of what it writes; the string is on its stack */
    struct list link;      /* in service->outlets, detached */
    size_t piece_bytes;
    size_t burst;        /* bytes since the last turn of the loop, as far as out:write knows */
    int ref;             /* anchors it while C has it */
    enum stream_end end; /* asked for by out:close while it was attached */
    bool stays, closed;  /* out:detach, out:close */
};

static const char outlet_metatable[] = "neap.outlet";

static struct outlet *check(lua_State *L)
{
    return luaL_checkudata(L, 1, outlet_metatable);
}

static bool is_over(const struct outlet *o)
{
    return o->stream == NULL || o->closed || stream_is_gone(o->stream);
}

/* ---- the end ---- */

static void end(struct outlet *o, enum stream_end how)
{
    struct stream *s = o->stream;
    o->stream = NULL;
    list_remove(&o->link);
    stream_end(s, how);
}

static void unanchor(struct outlet *o)
{
    luaL_unref(o->engine->L, LUA_REGISTRYINDEX, o->ref);
}

static void say_farewell(struct outlet *o)
{
    lua_State *L = o->engine->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, o->ref);
    if (lua_getiuservalue(L, -1, UV_FAREWELL) == LUA_TSTRING)
        (void)!stream_write(o->stream, lua_slice_at(L, -1)); /* who is behind by a whole queue does without */
    lua_pop(L, 2);
    end(o, STREAM_DONE);
    unanchor(o);
}

void lib_stream_end_detached(struct engine *e)
{
    struct list *node;
    lua_checkstack(e->L, LUA_MINSTACK);
    while ((node = list_first(&service_of_engine(e)->outlets)) != NULL)
        say_farewell(LIST_OF(node, struct outlet, link));
}

static void on_close_done(struct task *t, enum task_outcome how, void *arg)
{
    (void)arg;
    if (how != OUTCOME_OK) {
        fault_log(t, how, "stream.on_close_failed");
        task_reset(t);
    }
    task_free(t);
}

/* The client went by itself: the application is told, in a task of its own, since this may wait. */
static void tell_application(struct outlet *o)
{
    struct engine *e = o->engine;
    lua_checkstack(e->L, LUA_MINSTACK);
    lua_rawgeti(e->L, LUA_REGISTRYINDEX, o->ref);
    if (lua_getiuservalue(e->L, -1, UV_ON_CLOSE) != LUA_TFUNCTION) {
        lua_pop(e->L, 2);
        return;
    }
    struct task *t = task_new(e);
    lua_xmove(e->L, t->co, 1);
    lua_pop(e->L, 1);
    task_start(t, 0, on_close_done, NULL);
}

static void lose_detached(struct outlet *o)
{
    struct engine *e = o->engine;
    e->live++; /* the stream may be the last that holds the routes */
    end(o, STREAM_LEFT);
    tell_application(o);
    unanchor(o);
    e->live--;
    engine_settle(e);
}

/* ---- writing ---- */

static int push_whether_written(lua_State *L, void *arg)
{
    struct outlet *o = arg;
    lua_pushboolean(L, !is_over(o));
    return 1;
}

/* As much as there is room and time for. STREAM_FULL: on_drain will come. */
static enum stream_status write_on(struct outlet *o)
{
    while (o->rest.n > 0) {
        if (o->burst >= BURST_BYTES) {
            stream_turn(o->stream);
            return STREAM_FULL;
        }
        struct slice piece = slice_of(o->rest.p, o->rest.n < o->piece_bytes ? o->rest.n : o->piece_bytes);
        enum stream_status status = stream_write(o->stream, piece);
        if (status != STREAM_OK)
            return status;
        o->burst += piece.n;
        o->rest.p += piece.n;
        o->rest.n -= piece.n;
    }
    return STREAM_OK;
}

static void wake_writer(struct outlet *o)
{
    struct task *t = o->writer;
    o->writer = NULL;
    task_renew_deadline(t);
    script_resume(t, push_whether_written, o);
}

static void on_drain(void *arg)
{
    struct outlet *o = arg;
    o->burst = 0;
    if (o->writer == NULL)
        return;
    enum stream_status status = write_on(o);
    if (o->writer == NULL) /* it found the client gone, which has cancelled the wait */
        return;
    if (status == STREAM_FULL)
        task_renew_deadline(o->writer); /* slow, but not stuck */
    else
        wake_writer(o);
}

static void on_gone(void *arg)
{
    struct outlet *o = arg;
    if (o->writer != NULL)
        wake_writer(o);
    else if (!list_is_empty(&o->link))
        lose_detached(o);
}

static bool stop_writing(void *arg)
{
    struct outlet *o = arg;
    o->writer = NULL;
    return true;
}

static int l_write(lua_State *L)
{
    struct outlet *o = check(L);
    struct slice bytes = lua_slice_check(L, 2);
    struct task *t = script_task(L);
    if (o->writer != NULL)
        return luaL_error(L, "out:write: another task is writing");
    task_renew_deadline(t);
    if (is_over(o)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    o->rest = bytes;
    enum stream_status status = write_on(o);
    task_check_cancelled(L); /* writing is how one learns that the client left */
    if (status != STREAM_FULL)
        return push_whether_written(L, o);
    lua_settop(L, 2); /* the string stays where it is while its rest goes out */
    o->writer = t;
    return script_wait(L, "out:write", stop_writing, o);
}

static int l_send(lua_State *L)
{
    struct outlet *o = check(L);
    struct slice bytes = lua_slice_check(L, 2);
    enum stream_status status = is_over(o) ? STREAM_GONE : stream_write(o->stream, bytes);
    lua_pushboolean(L, status == STREAM_OK);
    if (status == STREAM_OK)
        return 1;
    lua_pushstring(L, status == STREAM_FULL ? "full" : "closed");
    return 2;
}

static int l_queued(lua_State *L)
{
    const struct outlet *o = check(L);
    lua_pushinteger(L, o->stream != NULL ? (lua_Integer)stream_queued(o->stream) : 0);
    return 1;
}

static int l_queue_max(lua_State *L)
{
    struct outlet *o = check(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= QUEUE_BYTES_MIN && n <= 1 << 30, 2, "4 KiB to 1 GiB");
    o->piece_bytes = n / 4 < PIECE_BYTES ? (size_t)n / 4 : PIECE_BYTES;
    if (o->stream != NULL)
        stream_queue_max(o->stream, (size_t)n);
    return 0;
}

static int l_detach(lua_State *L)
{
    struct outlet *o = check(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (o->stream == NULL || o->stays)
        return luaL_error(L, "out:detach: the stream is %s", o->stays ? "detached already" : "over");
    lua_getfield(L, 2, "on_close");
    luaL_argcheck(L, lua_isnil(L, -1) || lua_isfunction(L, -1), 2, "on_close is a function");
    lua_setiuservalue(L, 1, UV_ON_CLOSE);
    lua_getfield(L, 2, "farewell");
    luaL_argcheck(L, lua_isnil(L, -1) || lua_type(L, -1) == LUA_TSTRING, 2, "farewell is a string");
    lua_setiuservalue(L, 1, UV_FAREWELL);
    o->stays = true;
    return 0;
}

static int l_close(lua_State *L)
{
    static const char *const ways[] = {"done", "slow", NULL};
    struct outlet *o = check(L);
    enum stream_end how = luaL_checkoption(L, 2, "done", ways) == 1 ? STREAM_SLOW : STREAM_DONE;
    if (o->stream == NULL || o->closed)
        return 0;
    o->closed = true;
    o->end = how;
    if (list_is_empty(&o->link)) /* its request is still there: the task's end is the stream's */
        return 0;
    end(o, how);
    unanchor(o);
    return 0;
}

/* ---- the task ---- */

static const struct stream_owner *owner_of(struct outlet *o, struct stream_owner *room)
{
    *room = (struct stream_owner){on_drain, on_gone, o};
    return room;
}

static int run_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return 0;
}

static struct outlet *push_outlet(lua_State *L, struct engine *e)
{
    struct outlet *o = lua_newuserdatauv(L, sizeof *o, UV_COUNT);
    *o = (struct outlet){.engine = e, .piece_bytes = PIECE_BYTES, .end = STREAM_DONE};
    list_init(&o->link);
    luaL_setmetatable(L, outlet_metatable);
    lua_pushvalue(L, -1);
    o->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return o;
}

int lib_stream_run(lua_State *L, struct task *t)
{
    struct service *s = service_of_engine(t->engine);
    struct stream_owner room;
    int fn = lua_gettop(L);
    if (t->req->head.method == METHOD_HEAD) {
        s->reply.res.streamed = true;
        return 0;
    }
    lua_pushcfunction(L, task_on_error);
    lua_pushvalue(L, fn);
    struct outlet *o = push_outlet(L, t->engine);
    t->outlet = o;
    s->reply.ready = false;
    o->stream = stream_open(t->req, &s->reply.res, owner_of(o, &room));
    buf_clear(&s->scratch_headers);
    task_renew_deadline(t);
    int status = lua_pcallk(L, 1, 0, fn + 1, 0, run_k);
    return run_k(L, status, 0);
}

/* Its request is let go first: from here on it is the engine's. */
static void stay(struct outlet *o)
{
    struct engine *e = o->engine;
    list_push_back(&service_of_engine(e)->outlets, &o->link);
    stream_detach(o->stream);
    if (e->retired || server_is_draining(e->env->server)) {
        lua_checkstack(e->L, LUA_MINSTACK);
        say_farewell(o);
    } else if (stream_is_gone(o->stream)) {
        lose_detached(o);
    }
}

void lib_stream_done(struct task *t, bool whole)
{
    struct outlet *o = t->outlet;
    t->outlet = NULL;
    if (whole && o->stays && !o->closed) {
        stay(o);
        return;
    }
    end(o, whole ? o->end : STREAM_FAILED);
    unanchor(o);
}

static const luaL_Reg methods[] = {
    {"write", l_write},   {"send", l_send},   {"queued", l_queued}, {"queue_max", l_queue_max},
    {"detach", l_detach}, {"close", l_close}, {NULL, NULL},
};

void lib_stream_install(lua_State *L)
{
    static const luaL_Reg meta[] = {{NULL, NULL}};
    userdata_metatable(L, outlet_metatable, methods, meta, NULL);
    lua_pushstring(L, outlet_metatable);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
