/* From a request to a task and from a task's end to an answer. */
#include "http/caller.h"
#include "script/admit.h"
#include "http/conn.h"
#include "script/engine_internal.h"
#include "script/fault.h"
#include "script/lib_request.h"
#include "script/lib_stream.h"
#include "script/task_internal.h"
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
    struct engine *e = t->engine;
    struct request *req = t->req;
    req->task = NULL;
    db_task_end(&t->db);
    db_task_log(&t->db, &req->log_fields);
    if (t->bound.n > 0)
        buf_slice(&req->log_fields, buf_view(&t->bound));
    if (t->outlet != NULL) {
        end_stream(t, how);
    } else if (how == OUTCOME_OK && e->reply.ready && t->cancelled == TASK_LIVE) {
        e->reply.ready = false;
        response_send(req, &e->reply.res);
    } else {
        e->reply.ready = false;
        fault_answer(t, how);
        task_reset(t);
    }
    buf_clear(&e->scratch);
    buf_clear(&e->scratch_headers);
    task_free(t);
}

/* The documents of what came in hold pieces of the bytes that they were read from, and a handler may look at them as late as
 * it likes: the server's buffer, in which the next requests come, is no place for those bytes. */
static void keep_bytes(const struct operation *op, struct request *req)
{
    if (op->params != NULL || op->query != NULL || op->headers != NULL || op->cookies != NULL || req->body.n > 0)
        request_own(req);
}

static void begin(struct request *req)
{
    struct engine *e = route_table_arg(req->table);
    const struct operation *op = operation_at(&e->operations, req->match.route->handler);
    struct json_doc docs[INTAKE_PARTS] = {0};
    keep_bytes(op, req);
    if (!intake_read(e->env, op, req, docs))
        return;
    struct task *t = task_new(e);
    t->req = req;
    memcpy(t->docs, docs, sizeof docs);
    req->task = t;
    bool pending = req->caller != NULL && req->caller->pending;
    if (pending)
        lua_rawgeti(t->co, LUA_REGISTRYINDEX, e->name_outsider);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, op->handler);
    t->req_box = lib_request_push_box(t->co);
    *t->req_box = t;
    lua_pushvalue(t->co, -1);
    lua_rawseti(t->co, LUA_REGISTRYINDEX, t->req_ref);
    task_start(t, pending ? 2 : 1, on_done, NULL);
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
    const struct engine *e = route_table_arg(req->table);
    const struct operation *op = operation_at(&e->operations, req->match.route->handler);
    if (!limit_ask_redis(e->env, &op->limits, req, on_allowed))
        begin(req);
}

static void on_cancel(struct request *req, void *arg)
{
    (void)arg;
    struct task *t = req->task;
    bool draining = server_is_draining(req->server);
    if (t == NULL)
        return;
    if (draining || !operation_at(&t->engine->operations, req->match.route->handler)->runs_on)
        task_cancel(t, draining ? TASK_STOPPED : TASK_CLIENT_GONE);
}

const struct http_app script_app = {.admit = admit_request, .start = on_start, .cancel = on_cancel, .arg = NULL};
