/* From a request to a task and from a task's end to an answer. */
#include "base/mem.h"
#include "plan/json.h"
#include "script/engine_internal.h"
#include "script/fault.h"
#include "script/task_internal.h"
#include <assert.h>
#include <lauxlib.h>

static bool is_safe(enum http_method m)
{
    return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_OPTIONS;
}

static void refuse(struct request *req, int status, const char *code, const char *message)
{
    response_error(req, status, code, slice_str(message), (struct slice){0}, (struct slice){0});
}

/* True when the request may go on; otherwise it has been answered. RFC 6750 3: a 401 names the scheme. */
static bool authenticate(struct engine *e, struct request *req)
{
    const struct script_user *user = &e->env->as;
    if (user->id[0] != 0)
        req->user_id = slice_str(user->id);
    else if (req->match.route->auth) {
        response_error(req, 401, "token_missing", SLICE_LIT("Sign in to use this"), (struct slice){0},
                       SLICE_LIT("WWW-Authenticate: Bearer\r\n"));
        return false;
    }
    return true;
}

static bool read_body(struct engine *e, struct request *req, struct json_doc *doc)
{
    struct json_error err;
    enum json_status status = json_read(req->body, e->env->limits->json_depth_max, &req->arena, doc, &err);
    if (status == JSON_OK)
        return true;
    char message[256];
    if (status == JSON_DEPTH) {
        snprintf(message, sizeof message, "The body is nested deeper than %u levels", e->env->limits->json_depth_max);
        refuse(req, 400, "json_too_deep", message);
    } else {
        snprintf(message, sizeof message, "The body is not valid JSON: %s at byte %zu", err.message, err.at);
        refuse(req, 400, "invalid_json", message);
    }
    return false;
}

static void on_done(struct task *t, enum task_outcome how, void *arg)
{
    (void)arg;
    struct engine *e = t->engine;
    struct request *req = t->req;
    req->task = NULL;
    db_task_end(&t->db);
    db_task_log(&t->db, &req->log_fields);
    if (how == OUTCOME_OK && e->reply.ready && t->cancelled == TASK_LIVE) {
        e->reply.ready = false;
        response_send(req, &e->reply.res);
    } else {
        e->reply.ready = false;
        fault_answer(t, how);
        lua_resetthread(t->co);
    }
    buf_clear(&e->scratch);
    buf_clear(&e->scratch_headers);
    task_free(t);
}

static void on_start(struct request *req, void *arg)
{
    (void)arg;
    struct engine *e = route_table_arg(req->table);
    const struct route *route = req->match.route;
    struct json_doc doc = {0};
    if (!authenticate(e, req))
        return;
    if (route->json_body && !read_body(e, req, &doc))
        return;
    struct task *t = task_new(e);
    t->req = req;
    t->body = doc;
    req->task = t;
    *t->req_box = t;
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, route->handler);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, t->req_ref);
    task_start(t, 1, on_done, NULL);
}

static void on_cancel(struct request *req, void *arg)
{
    (void)arg;
    struct task *t = req->task;
    if (t == NULL)
        return;
    if (is_safe(req->head.method) || server_is_draining(req->server))
        task_cancel(t, server_is_draining(req->server) ? TASK_STOPPED : TASK_CLIENT_GONE);
}

const struct http_app script_app = {.start = on_start, .cancel = on_cancel, .arg = NULL};
