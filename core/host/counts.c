#include "host/counts.h"
#include "http/server.h"
#include "pg/pool.h"
#include "script/engines.h"

static void on_handle(uv_handle_t *h, void *arg)
{
    unsigned *n = arg;
    *n += !uv_is_closing(h);
}

unsigned counts_handles(uv_loop_t *loop)
{
    unsigned n = 0;
    uv_walk(loop, on_handle, &n);
    return n;
}

void counts_take(const struct script_env *env, struct host_counts *out)
{
    *out = (struct host_counts){
        .handles = counts_handles(env->loop), .tasks = engines_tasks(env), .background = engines_background(env)};
    if (env->server) {
        const struct server_counts *c = server_counts(env->server);
        out->connections = c->connections;
        out->requests = c->requests;
    }
    if (env->pool) {
        struct pool_status status;
        pool_status(env->pool, &status);
        out->pool_busy = status.busy;
    }
}
