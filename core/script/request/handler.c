/* From a request to a task and from a task's end to an answer. */
#include "http/caller.h"
#include "http/conn.h"
#include "script/request/admit.h"
#include "script/request/fault.h"
#include "script/request/intake.h"
#include "script/request/lib_request.h"
#include "script/request/lib_stream.h"
#include "script/request/service.h"
#include "script/runtime/env.h"
#include "script/runtime/task_internal.h"
#include <assert.h>
#include <lauxlib.h>
#include <string.h>

/* Part of the answer is out. What went wrong is for the log, the client sees that the end is missing. */
static void end_stream(struct task *t, enum task_outcome how)
{
    bool whole = how == OUTCOME_OK && t->cancelled == TASK_LIVE;
    if (!whole && t->cancelled != TASK_CLIENT_GONE)
        fault_log(t, how, "the handler failed in the middle of its answer");
    lib_stream_done(t, whole);
    if (!whole)
        task_reset(t);
}

static void on_done(struct task *t, enum task_outcome how, void *arg)
{
    (void)arg;
    struct service *s = service_of_engine(t->engine);
    struct request *req = t->req;
    req->task = NULL;
    db_task_end(&t->db);
    if (req->server->opts.access_log) {
        db_task_log(&t->db, &req->log_fields);
        buf_slice(&req->log_fields, buf_view(&t->bound));
    }
    if (t->outlet != NULL) {
        end_stream(t, how);
    } else if (how == OUTCOME_OK && s->reply.ready && t->cancelled == TASK_LIVE) {
        s->reply.ready = false;
        response_send(req, &s->reply.res);
    } else {
        s->reply.ready = false;
        fault_answer(t, how);
        task_reset(t);
    }
    buf_clear(&s->scratch);
    buf_clear(&s->scratch_headers);
    task_free(t);
}

/* The values from index 2 on are the handler's. */
static int on_returned(lua_State *L, struct task *t)
{
    reply_build(L, 2);
    return service_of_engine(t->engine)->reply.streams ? lib_stream_run(L, t) : lua_gettop(L) - 1;
}

/* The documents of what came in hold pieces of the bytes that they were read from, and a handler may look at them as late as
 * it likes: the server's buffer, in which the next requests come, is no place for those bytes. */
static void keep_bytes(const struct operation *op, struct request *req)
{
    if (op->params != NULL || op->query != NULL || op->headers != NULL || op->cookies != NULL || req->body.n > 0)
        request_own(req);
}

static void push_request(struct task *t)
{
    t->req_box = lib_request_push_box(t->co);
    *t->req_box = t;
    lua_pushvalue(t->co, -1);
    lua_rawseti(t->co, LUA_REGISTRYINDEX, t->req_ref);
}

static void begin(struct request *req)
{
    struct service *s = service_of_request(req);
    struct engine *e = &s->engine;
    const struct operation *op = service_operation(s, req);
    struct json_doc *docs = arena_alloc(&req->arena, INTAKE_PARTS * sizeof *docs);
    memset(docs, 0, INTAKE_PARTS * sizeof *docs);
    keep_bytes(op, req);
    if (!intake_read(e->env, op, req, docs))
        return;
    struct task *t = task_new(e);
    t->req = req;
    t->docs = docs;
    t->returned = on_returned;
    req->task = t;
    bool pending = req->caller != NULL && req->caller->pending;
    if (pending)
        lua_rawgeti(t->co, LUA_REGISTRYINDEX, s->name_outsider);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, op->handler);
    bool takes_request = pending || op->takes_request;
    if (takes_request)
        push_request(t);
    task_start(t, pending + takes_request, on_done, NULL);
}

/* Redis was asked meanwhile, and the client may have left. Nothing was begun for it. */
static void on_allowed(struct request *req)
{
    if (req->cancelled)
        response_send(req, &(struct response){.status = 503});
    else
        begin(req);
}

static void on_start(struct request *req, void *arg)
{
    (void)arg;
    const struct service *s = service_of_request(req);
    if (!limit_ask_redis(s->engine.env, &service_operation(s, req)->limits, req, on_allowed))
        begin(req);
}

static void on_cancel(struct request *req, void *arg)
{
    (void)arg;
    struct task *t = req->task;
    bool draining = server_is_draining(req->server);
    if (t == NULL)
        return;
    if (draining || !service_operation(service_of_request(req), req)->runs_on)
        task_cancel(t, draining ? TASK_STOPPED : TASK_CLIENT_GONE);
}

const struct http_app script_app = {.admit = admit_request, .start = on_start, .cancel = on_cancel, .arg = NULL};
