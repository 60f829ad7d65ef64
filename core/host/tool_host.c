#include "base/mem.h"
#include "host/counts.h"
#include "host/database.h"
#include "host/listen.h"
#include "host/metrics.h"
#include "host/tool.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct later { /* a callback that must not come from inside the call, or that waits for a pool to close */
    uv_timer_t timer;
    struct tool *tool;
    void (*done)(void *arg);
    void *arg;
};

static struct tool *tool_of(struct tool_host *h)
{
    return (struct tool *)(void *)((char *)h - offsetof(struct tool, host));
}

static void on_later_closed(uv_handle_t *h)
{
    free(h->data);
}

static void on_later(uv_timer_t *t)
{
    struct later *l = t->data;
    uv_close((uv_handle_t *)t, on_later_closed);
    l->done(l->arg);
}

static struct later *later_new(struct tool *t, void (*done)(void *arg), void *arg)
{
    struct later *l = mem_zalloc(sizeof *l);
    l->tool = t;
    l->done = done;
    l->arg = arg;
    l->timer.data = l;
    uv_timer_init(&t->loop, &l->timer);
    return l;
}

/* ---- serving ---- */

static void on_server_closed(void *arg)
{
    struct tool *t = arg;
    void (*done)(void *arg) = t->unserved;
    t->server = t->env.server = NULL;
    t->closing--;
    t->unserved = NULL;
    if (done)
        done(t->unserved_arg);
}

static int serve(struct tool_host *h, const char *host, int port, char err[ERR_MAX])
{
    struct tool *t = tool_of(h);
    struct server_opts o = {.loop = &t->loop,
                            .wheel = &t->wheel,
                            .limits = &t->limits,
                            .app = script_app,
                            .metrics = &t->shared->slots[0].metrics.http,
                            .access_log = t->settings.access_log,
                            .server_timing = t->settings.server_timing,
                            .production = t->settings.production,
                            .edges = settings_edges(&t->settings)};
    int fd;
    if (t->server)
        return fail(err, "this process serves already");
    port = listen_bind(host, port, 1, &fd, err);
    if (port < 0)
        return -1;
    t->server = t->env.server = server_new(&o);
    server_set_routes(t->server, engine_routes(t->engine));
    int rc = server_listen(t->server, fd);
    if (rc == 0)
        return port;
    t->closing++;
    server_close(t->server, on_server_closed, t);
    return fail(err, "cannot listen on %s port %d: %s", host, port, uv_strerror(rc));
}

static void unserve(struct tool_host *h, void (*done)(void *arg), void *arg)
{
    struct tool *t = tool_of(h);
    if (t->server == NULL || t->unserved) {
        uv_timer_start(&later_new(t, done, arg)->timer, on_later, 0, 0);
        return;
    }
    t->unserved = done;
    t->unserved_arg = arg;
    t->closing++;
    server_close(t->server, on_server_closed, t);
}

/* ---- the database ---- */

static void open_pool(struct tool *t, const struct tool_database *db)
{
    struct pool_opts o = database_opts(&t->settings, &t->limits, &t->loop, &t->wheel);
    o.url = db->url;
    o.min = db->min;
    o.max = db->max;
    if (db->statement_ms >= 0)
        o.statement_ms = (uint64_t)db->statement_ms;
    o.application_name = "neap tool";
    t->pool = t->env.pool = pool_new(&o);
}

static void on_pool_replaced(void *arg)
{
    struct later *l = arg;
    l->tool->closing--;
    uv_timer_start(&l->timer, on_later, 0, 0);
}

static void use_database(struct tool_host *h, const struct tool_database *db, void (*done)(void *arg), void *arg)
{
    struct tool *t = tool_of(h);
    struct later *l = later_new(t, done, arg);
    struct pool *old = t->pool;

    t->pool = t->env.pool = NULL;
    if (db->url)
        open_pool(t, db);
    t->closing++;
    if (old)
        pool_close(old, on_pool_replaced, l);
    else
        on_pool_replaced(l);
}

/* ---- the rest ---- */

static void set_user(struct tool_host *h, const struct script_user *user)
{
    tool_of(h)->env.as = user ? *user : (struct script_user){0};
}

static void counts(struct tool_host *h, struct host_counts *out)
{
    struct tool *t = tool_of(h);
    counts_take(&t->env, out);
}

/* A command may have several pools, one after another: what is told is of the present one. */
static struct slice metrics(struct tool_host *h)
{
    struct tool *t = tool_of(h);
    struct worker_metrics *m = &t->shared->slots[0].metrics;
    if (t->pool)
        memcpy(&m->pool, pool_counts(t->pool), sizeof m->pool);
    metrics_publish(m, &t->env);
    buf_clear(&t->metrics_text);
    metrics_write(&t->metrics_text, t->shared, t->env.rates);
    return buf_view(&t->metrics_text);
}

void tool_host_fill(struct tool *t)
{
    t->host = (struct tool_host){.counts = counts,
                                 .metrics = metrics,
                                 .serve = serve,
                                 .unserve = unserve,
                                 .use_database = use_database,
                                 .set_user = set_user};
    t->env.host = &t->host;
}

static void on_pool_gone(void *arg)
{
    struct tool *t = arg;
    t->closing--;
}

void tool_close_parts(struct tool *t)
{
    if (t->server && t->unserved == NULL) {
        t->closing++;
        server_close(t->server, on_server_closed, t);
    }
    if (t->pool) {
        t->closing++;
        pool_close(t->pool, on_pool_gone, t);
        t->pool = t->env.pool = NULL;
    }
}
