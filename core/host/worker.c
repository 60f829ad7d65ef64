#include "host/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/version.h"
#include "host/abort.h"
#include "host/counts.h"
#include "host/database.h"
#include "host/metrics.h"
#include "host/signals.h"
#include "host/supervisor.h"
#include "host/watch.h"
#include "redis/redis.h"
#include "script/engines.h"
#include "script/request/limit.h"
#include "script/runtime/watchdog.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the threads of the pool may take to end; nobody waits when they have nothing to do. */
enum { LAST_WORK_MS = 200 };

/* ---- the clockwork ---- */

static void beat(struct worker *w)
{
    uint64_t t = clock_monotonic_us() / 1000;
    if (t < w->beat_at_ms)
        return;
    w->beat_at_ms = t + WORKER_BEAT_MS;
    shared_beat(w->slot, t);
    abort_unless_seen(w->opts->supervisor);
    const struct server_counts *c = server_counts(w->server);
    atomic_store_explicit(&w->slot->requests, c->requests, memory_order_relaxed);
    atomic_store_explicit(&w->slot->connections, c->connections, memory_order_relaxed);
    metrics_publish(&w->slot->metrics, &w->env);
    atomic_store_explicit(&w->slot->tasks, engines_tasks(&w->env), memory_order_relaxed);
}

static void on_tick(uv_timer_t *t)
{
    struct worker *w = t->data;
    wheel_advance(&w->wheel, uv_now(&w->loop));
    beat(w);
    if (w->stage != DRAIN_NOT)
        drain_tick(w);
}

static void on_flush(uv_prepare_t *h)
{
    (void)h;
    log_flush();
}

static void on_sigterm(uv_signal_t *h, int number)
{
    (void)number;
    drain_begin(h->data);
}

static void on_hurry(uv_signal_t *h, int number)
{
    (void)number;
    drain_begin(h->data);
    drain_hurry(h->data);
}

static void on_sighup(uv_signal_t *h, int number)
{
    (void)number;
    reload_soon(h->data, "SIGHUP");
}

static void on_saved(const char *what, void *arg)
{
    reload_soon(arg, what);
}

static int start_clockwork(struct worker *w)
{
    if (uv_loop_init(&w->loop) < 0)
        return -1;
    wheel_init(&w->wheel, uv_now(&w->loop));
    uv_timer_init(&w->loop, &w->tick);
    uv_timer_init(&w->loop, &w->reload);
    uv_prepare_init(&w->loop, &w->flush);
    uv_signal_init(&w->loop, &w->sigterm);
    uv_signal_init(&w->loop, &w->sighup);
    uv_signal_init(&w->loop, &w->hurry);
    w->tick.data = w->reload.data = w->flush.data = w->sigterm.data = w->sighup.data = w->hurry.data = w;
    uv_timer_start(&w->tick, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
    uv_prepare_start(&w->flush, on_flush);
    if (uv_signal_start(&w->sigterm, on_sigterm, SIGTERM) < 0 || uv_signal_start(&w->sighup, on_sighup, SIGHUP) < 0 ||
        uv_signal_start(&w->hurry, on_hurry, WORKER_HURRY_SIGNAL) < 0)
        return -1;
    signals_unblock();
    return 0;
}

static void close_own_handles(struct worker *w)
{
    uv_handle_t *own[] = {(uv_handle_t *)&w->tick,    (uv_handle_t *)&w->reload, (uv_handle_t *)&w->flush,
                          (uv_handle_t *)&w->sigterm, (uv_handle_t *)&w->sighup, (uv_handle_t *)&w->hurry};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!uv_is_closing(own[i]))
            uv_close(own[i], NULL);
}

/* ---- the parts ---- */

/* `total` is of the host; the first workers take the rest of the division. */
static unsigned share_of(unsigned total, const struct worker_opts *o)
{
    return total / o->shared->count + (o->slot < total % o->shared->count);
}

static void open_pool(struct worker *w)
{
    const struct settings *s = w->opts->settings;
    unsigned max = share_of(s->pool_max, w->opts), min = share_of(s->pool_min, w->opts);
    if (s->database_url[0] == '\0')
        return;
    if (max == 0)
        max = 1;
    struct pool_opts o = database_opts(s, &w->limits, &w->loop, &w->wheel);
    o.url = s->database_url;
    o.min = min < max ? min : max;
    o.max = max;
    o.application_name = "neap";
    o.counts = &w->slot->metrics.pool;
    w->pool = pool_new(&o);
}

static void open_redis(struct worker *w)
{
    const struct settings *s = w->opts->settings;
    if (s->redis_url[0] != '\0')
        w->redis = redis_new(&(struct redis_opts){.loop = &w->loop,
                                                  .wheel = &w->wheel,
                                                  .url = s->redis_url,
                                                  .script = limit_script,
                                                  .trial_key = "neap:limit:trial"});
}

static void open_server(struct worker *w)
{
    const struct settings *s = w->opts->settings;
    struct server_opts o = {.loop = &w->loop,
                            .wheel = &w->wheel,
                            .limits = &w->limits,
                            .app = script_app,
                            .metrics = &w->slot->metrics.http,
                            .access_log = s->access_log,
                            .server_timing = s->server_timing,
                            .production = s->production,
                            .edges = settings_edges(s)};
    w->server = server_new(&o);
}

static void read_user(struct script_user *u)
{
    const char *id = getenv("NEAP_AS_ID"), *email = getenv("NEAP_AS_EMAIL"), *role = getenv("NEAP_AS_ROLE"),
               *scopes = getenv("NEAP_AS_SCOPES");
    if (id == NULL || id[0] == '\0')
        return;
    snprintf(u->id, sizeof u->id, "%s", id);
    snprintf(u->email, sizeof u->email, "%s", email ? email : "");
    snprintf(u->role, sizeof u->role, "%s", role && role[0] ? role : "user");
    snprintf(u->scopes, sizeof u->scopes, "%s", scopes ? scopes : "");
}

static void on_counts(struct tool_host *h, struct host_counts *out)
{
    struct worker *w = (struct worker *)(void *)((char *)h - offsetof(struct worker, host));
    counts_take(&w->env, out);
}

static struct slice on_metrics(struct tool_host *h)
{
    struct worker *w = (struct worker *)(void *)((char *)h - offsetof(struct worker, host));
    metrics_publish(&w->slot->metrics, &w->env);
    buf_clear(&w->metrics_text);
    metrics_write(&w->metrics_text, w->opts->shared, w->opts->rates);
    return buf_view(&w->metrics_text);
}

static void fill_env(struct worker *w)
{
    const struct place *p = w->opts->place;
    w->host.counts = on_counts;
    w->host.metrics = on_metrics;
    w->env = (struct script_env){.loop = &w->loop,
                                 .wheel = &w->wheel,
                                 .pool = w->pool,
                                 .rates = w->opts->rates,
                                 .redis = w->redis,
                                 .server = w->server,
                                 .limits = &w->limits,
                                 .counts = &w->slot->metrics.script,
                                 .engines = &w->engines,
                                 .mode = w->opts->mode,
                                 .workers = w->opts->shared->count,
                                 .slot = w->opts->slot,
                                 .listen_host = w->opts->settings->host,
                                 .app_dir = p->app_dir,
                                 .home = p->home,
                                 .program = p->program,
                                 .version = NEAP_VERSION,
                                 .host = &w->host};
    if (w->opts->mode == SCRIPT_DEV)
        read_user(&w->env.as);
}

/* ---- life ---- */

/* For who started `neap dev`: an address to click at, and the one of the documentation when there is some. */
static void show_banner(const struct worker *w)
{
    const char *host = w->opts->settings->host;
    const char *docs = w->engine ? engine_docs_path(w->engine) : NULL;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    bool v6 = !any && strchr(host, ':');
    char url[ERR_MAX];

    snprintf(url, sizeof url, "http://%s%s%s:%d", v6 ? "[" : "", any ? "127.0.0.1" : host, v6 ? "]" : "", w->opts->port);
    dprintf(STDERR_FILENO, "\n  %s   Ctrl-C stops it; a saved file is live\n", url);
    if (docs)
        dprintf(STDERR_FILENO, "  %s%s\n", url, docs);
    dprintf(STDERR_FILENO, "\n");
}

static void tell_listening(const struct worker *w)
{
    const char *host = w->opts->settings->host;
    struct log_line l;
    if (log_begin(&l, LOG_INFO, "worker", "listening")) {
        log_str(&l, "host", host);
        log_int(&l, "port", w->opts->port);
        log_int(&l, "worker", w->opts->slot);
        log_int(&l, "pid", getpid());
        log_end(&l);
    }
    log_flush();
    if (w->opts->mode == SCRIPT_DEV && atomic_load(&w->slot->generation) == 1)
        show_banner(w);
}

static int open_parts(struct worker *w)
{
    open_pool(w);
    open_redis(w);
    open_server(w);
    fill_env(w);
    watchdog_start(w->limits.handler_cpu_ms);
    int code = reload_first(w);
    if (code != 0)
        return code;
    int rc = server_listen(w->server, w->opts->fd);
    if (rc < 0) {
        log_note(LOG_ERROR, "worker", "cannot listen", "error", uv_strerror(rc));
        return WORKER_FAILED;
    }
    if (w->opts->watch)
        w->watch = watch_open(&w->loop, w->opts->place, on_saved, w);
    return 0;
}

static void tell_end(const struct worker *w)
{
    struct log_line l;
    if (!log_begin(&l, LOG_INFO, "worker", "shutdown.complete"))
        return;
    log_int(&l, "worker", w->opts->slot);
    log_int(&l, "handles", w->left.handles);
    log_int(&l, "tasks", w->left.tasks);
    log_int(&l, "background", w->left.background);
    log_int(&l, "connections", w->left.connections);
    log_int(&l, "pool_busy", w->left.pool_busy);
    log_int(&l, "requests", (int64_t)w->left.requests);
    log_end(&l);
}

static void on_waited(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

/* A name lookup that is on its thread already cannot be cancelled: it has a moment to end, and the loop sleeps until it
 * does. */
static void wait_for_threads(uv_loop_t *loop)
{
    bool over = false;
    uv_timer_t timer;
    uv_timer_init(loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, on_waited, LAST_WORK_MS, 0);
    uv_unref((uv_handle_t *)&timer);
    while (!over && uv_run(loop, UV_RUN_ONCE) != 0)
        ;
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

/* The drain has closed all but our own handles. What is alive after those are closed as well was leaked. False: a thread
 * still works for the loop, which has to stay where it is. */
static bool finish(struct worker *w)
{
    close_own_handles(w);
    wait_for_threads(&w->loop);
    w->left.handles = counts_handles(&w->loop);
    tell_end(w);
    bool closed = w->left.handles == 0 && uv_loop_close(&w->loop) == 0;
    watchdog_stop();
    log_flush();
    return closed || w->left.handles > 0;
}

/* exit() would wait for the thread, since libuv joins its pool there: a name server that does not answer would hold up our
 * end for many seconds. */
static int end(struct worker *w, int code)
{
    if (!finish(w))
        _exit(code);
    buf_free(&w->metrics_text);
    free(w);
    return code;
}

int worker_run(const struct worker_opts *opts)
{
    struct worker *w = mem_zalloc(sizeof *w);
    int code;

    mem_keep();
    random_forget();
    abort_tell(&w->engine);
    w->opts = opts;
    w->slot = &opts->shared->slots[opts->slot];
    w->limits = opts->settings->limits;
    list_init(&w->engines);
    if (start_clockwork(w) < 0) {
        log_note(LOG_ERROR, "worker", "the event loop cannot start", NULL, NULL);
        return WORKER_FAILED;
    }
    code = open_parts(w);
    if (code == 0) {
        beat(w);
        atomic_store(&w->slot->state, WORKER_READY);
        tell_listening(w);
    } else {
        drain_unserved(w);
    }
    uv_run(&w->loop, UV_RUN_DEFAULT);
    return end(w, code);
}
