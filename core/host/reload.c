#include "base/buf.h"
#include "base/log.h"
#include "host/supervisor.h"
#include "host/worker.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SETTLE_MS = 50,      /* an editor writes, renames and writes again */
    SETTLE_MS_MAX = 500, /* but somebody who saves all the time is served too */
};

/* The reason as a header: one line of visible ASCII, so that no file name or message can end the header. */
static void note_error(struct worker *w, const char *err)
{
    struct buf b = BUF_INIT;
    buf_lit(&b, "X-Neap-Load-Error: ");
    for (const char *p = err; *p && *p != '\n' && b.n < 500; p++)
        buf_char(&b, *p >= ' ' && *p <= '~' ? *p : '?');
    /* "module 'x' not found:" goes on with a list of places on lines of their own. */
    while (b.p[b.n - 1] == ':' || b.p[b.n - 1] == ' ')
        b.n--;
    buf_lit(&b, "\r\n");
    server_set_note(w->server, buf_view(&b));
    buf_free(&b);
}

/* "lua/app/tasks/rules.lua:12: message" names its place first; the log gets it as a field of its own. */
static void log_error(const char *message, const char *err)
{
    char place[256];
    struct log_line l;
    const char *end = strstr(err, ": ");
    size_t n = end ? (size_t)(end - err) : 0;
    bool has_place = n > 0 && n < sizeof place && memchr(err, ':', n) && !memchr(err, ' ', n);

    if (!log_begin(&l, LOG_ERROR, "reload", message))
        return;
    if (has_place) {
        snprintf(place, sizeof place, "%.*s", (int)n, err);
        log_str(&l, "where", place);
    }
    log_str(&l, "error", err);
    log_end(&l);
    log_flush();
}

static void tell_error(struct worker *w, const char *message, const char *err)
{
    log_error(message, err);
    if (w->opts->mode != SCRIPT_DEV)
        return;
    note_error(w, err);
    if (!isatty(STDOUT_FILENO)) /* there the log is for people already */
        dprintf(STDERR_FILENO, "\n%s\n%s\n\n", message, err);
}

static struct engine *load(struct worker *w, int *rc, char err[static ERR_MAX])
{
    struct engine *e = engine_new(&w->env, err);
    *rc = e ? engine_load(e, err) : -1;
    if (*rc == 0)
        return e;
    engine_retire(e);
    return NULL;
}

static void on_hooks_done(int code, void *arg)
{
    (void)arg;
    if (code != 0)
        log_note(LOG_ERROR, "reload", "a start hook of the application failed", NULL, NULL);
}

/* The application's on_start hooks run once in a worker's life, when it first loads; its on_load hooks each time. */
static void take_over(struct worker *w, struct engine *e)
{
    struct engine *old = w->engine;
    server_set_routes(w->server, engine_routes(e));
    server_set_note(w->server, slice_str(""));
    w->engine = e;
    engine_retire(old);
    bool is_first = atomic_fetch_add(&w->slot->loads, 1) == 0;
    engine_run(e, is_first ? "neap.boot.startup" : "neap.boot.takeover", on_hooks_done, w);
}

/* What a worker is built on stays as it is until the process starts anew. */
static void tell_unchangeable(const struct settings *now, const struct settings *then)
{
    struct {
        const char *name;
        bool differs;
    } all[] = {
        {"HOST", strcmp(now->host, then->host) != 0},
        {"PORT", now->port != then->port},
        {"WORKERS", now->workers != then->workers},
        {"ACCESS_LOG", now->access_log != then->access_log},
        {"SERVER_TIMING", now->server_timing != then->server_timing},
        {"ENVIRONMENT", now->production != then->production},
        {"REDIS_URL or REDIS_ENABLED", strcmp(now->redis_url, then->redis_url) != 0},
        {"DATABASE_URL", strcmp(now->database_url, then->database_url) != 0},
        {"DB_POOL_MIN or DB_POOL_MAX", now->pool_min != then->pool_min || now->pool_max != then->pool_max},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].differs)
            log_note(LOG_WARN, "reload", "a changed setting needs a restart", "setting", all[i].name);
}

/* Limits and the log level follow the new configuration at once. */
static void follow_settings(struct worker *w, struct engine *e)
{
    struct settings now;
    char err[ERR_MAX];
    if (settings_load(&now, e, w->opts->mode == SCRIPT_DEV ? "dev" : "serve", err) != 0)
        return;
    struct edges edges = settings_edges(&now);
    w->limits = now.limits;
    server_set_edges(w->server, &edges);
    log_open(STDOUT_FILENO, now.log_level);
    tell_unchangeable(&now, w->opts->settings);
}

/* A server without routes answers 404 to everybody, with the note that says why. */
static void serve_nothing(struct worker *w)
{
    struct route_table *none = route_table_new(NULL, NULL);
    server_set_routes(w->server, none);
    route_table_unref(none);
}

int reload_first(struct worker *w)
{
    char err[ERR_MAX] = "";
    int rc;
    struct engine *e = load(w, &rc, err);
    if (e) {
        take_over(w, e);
        return 0;
    }
    if (w->opts->mode == SCRIPT_DEV) {
        serve_nothing(w);
        tell_error(w, "the application does not load", err);
        return 0;
    }
    log_error(rc == -78 ? "the configuration is wrong" : "the application does not load", err);
    return rc == -78 ? WORKER_MISCONFIGURED : WORKER_FAILED;
}

static void reload_now(struct worker *w)
{
    char err[ERR_MAX] = "";
    uint64_t began = uv_hrtime();
    int rc;
    struct log_line l;

    struct engine *e = load(w, &rc, err);
    if (e == NULL) {
        counter_add(&w->slot->metrics.script.reload_failures, 1);
        tell_error(w, "not loaded; the code before it keeps serving", err);
        return;
    }
    counter_add(&w->slot->metrics.script.reloads, 1);
    take_over(w, e);
    follow_settings(w, e);
    if (log_begin(&l, LOG_INFO, "reload", "loaded")) {
        log_str(&l, "because", w->reload_why);
        log_int(&l, "worker", w->opts->slot);
        log_double(&l, "took_ms", (double)((uv_hrtime() - began) / 10000) / 100);
        log_int(&l, "routes", (int64_t)route_count(engine_routes(e)));
        log_end(&l);
    }
}

static void on_settled(uv_timer_t *t)
{
    struct worker *w = t->data;
    w->reload_first_ms = 0;
    reload_now(w);
}

void reload_soon(struct worker *w, const char *why)
{
    uint64_t t = uv_now(&w->loop);
    if (w->stage != DRAIN_NOT)
        return;
    if (w->reload_first_ms == 0)
        w->reload_first_ms = t;
    snprintf(w->reload_why, sizeof w->reload_why, "%s", why);
    uint64_t waited = t - w->reload_first_ms;
    uv_timer_start(&w->reload, on_settled, waited + SETTLE_MS > SETTLE_MS_MAX ? 0 : SETTLE_MS, 0);
}
