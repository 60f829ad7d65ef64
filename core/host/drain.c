#include "base/log.h"
#include "host/counts.h"
#include "host/watch.h"
#include "host/worker.h"
#include "redis/redis.h"
#include "script/engines.h"

/* The way out, one stage after the other, each begun by the end of the one before or by its deadline:
 *
 *   REQUESTS  the server takes no more connections and ends those that it has
 *   TASKS     Lua whose client is gone already rolls back
 *   HOOKS     the application says goodbye
 *   BACKGROUND its loops end at their waits
 *   POOL      the connections to Postgres close
 *   SERVER    the handles of the server close
 *   DONE      the loop stops
 */
enum {
    ANSWER_MS = 500,     /* for the answers of what was cancelled */
    CANCELLED_MS = 5500, /* what a cancelled task may take to roll back, and a little */
    LAST_STAGES_MS = 3000,
};

static void close_redis(struct worker *w)
{
    if (w->redis == NULL)
        return;
    redis_close(w->redis);
    w->redis = w->env.redis = NULL;
    log_note(LOG_INFO, "worker", "shutdown.redis", NULL, NULL);
}

static void enter(struct worker *w, enum drain_stage stage);

static void on_drained(void *arg)
{
    struct worker *w = arg;
    if (w->stage == DRAIN_REQUESTS)
        enter(w, DRAIN_TASKS);
}

static void on_hooks_done(int code, void *arg)
{
    struct worker *w = arg;
    if (code != 0)
        log_note(LOG_ERROR, "worker", "a stop hook of the application failed", NULL, NULL);
    if (w->stage == DRAIN_HOOKS)
        enter(w, DRAIN_BACKGROUND);
}

static void on_pool_closed(void *arg)
{
    struct worker *w = arg;
    log_note(LOG_INFO, "worker", "shutdown.database", NULL, NULL);
    if (w->stage == DRAIN_POOL)
        enter(w, DRAIN_SERVER);
}

static void on_server_closed(void *arg)
{
    enter(arg, DRAIN_DONE);
}

/* The tasks first: a cancelled one still answers its client (503). Then the connections, for who did not take it, and
 * for requests that never became a task. */
static void cancel_all(struct worker *w)
{
    engines_cancel_tasks(&w->env);
    w->drain_cut_ms = uv_now(&w->loop) + ANSWER_MS;
    w->drain_end_ms = uv_now(&w->loop) + CANCELLED_MS;
}

static void cut(struct worker *w)
{
    w->drain_cut_ms = 0;
    server_cancel_all(w->server);
}

static void close_server(struct worker *w)
{
    engine_retire(w->engine);
    w->engine = NULL;
    server_close(w->server, on_server_closed, w);
}

static void enter(struct worker *w, enum drain_stage stage)
{
    w->stage = stage;
    if (stage == DRAIN_HOOKS || stage == DRAIN_POOL)
        w->drain_end_ms = uv_now(&w->loop) + LAST_STAGES_MS;
    switch (stage) {
    case DRAIN_REQUESTS:
        server_drain(w->server, on_drained, w);
        engines_end_streams(&w->env);
        break;
    case DRAIN_HOOKS:
        if (w->engine)
            engine_run(w->engine, "neap.boot.shutdown", on_hooks_done, w);
        else
            enter(w, DRAIN_BACKGROUND);
        break;
    case DRAIN_BACKGROUND: /* drain_tick looks */
        w->drain_end_ms = uv_now(&w->loop) + CANCELLED_MS;
        engines_end_background(&w->env);
        break;
    case DRAIN_POOL:
        close_redis(w);
        counts_take(&w->env, &w->left);
        if (w->pool)
            pool_close(w->pool, on_pool_closed, w);
        else
            enter(w, DRAIN_SERVER);
        break;
    case DRAIN_SERVER:
        w->drain_end_ms = uv_now(&w->loop) + LAST_STAGES_MS;
        close_server(w);
        break;
    case DRAIN_DONE:
        uv_stop(&w->loop);
        break;
    case DRAIN_NOT:
    case DRAIN_TASKS: /* drain_tick looks */
        break;
    }
}

static void tell(const char *message, const struct worker *w)
{
    struct host_counts c;
    struct log_line l;
    counts_take(&w->env, &c);
    if (!log_begin(&l, LOG_WARN, "worker", message))
        return;
    log_int(&l, "worker", w->opts->slot);
    log_int(&l, "connections", c.connections);
    log_int(&l, "tasks", c.tasks);
    log_int(&l, "background", c.background);
    log_int(&l, "pool_busy", c.pool_busy);
    log_end(&l);
}

static void hurry(struct worker *w, const char *why)
{
    if (w->stage > DRAIN_TASKS || w->drain_hurried)
        return;
    w->drain_hurried = true;
    tell(why, w);
    cancel_all(w);
}

void drain_begin(struct worker *w)
{
    if (w->stage != DRAIN_NOT)
        return;
    atomic_store(&w->slot->state, WORKER_DRAINING);
    log_note(LOG_INFO, "worker", "draining", NULL, NULL);
    uv_timer_stop(&w->reload);
    watch_close(w->watch);
    w->watch = NULL;
    w->drain_end_ms = uv_now(&w->loop) + w->limits.shutdown_ms;
    enter(w, DRAIN_REQUESTS);
}

void drain_unserved(struct worker *w)
{
    w->drain_end_ms = uv_now(&w->loop) + w->limits.shutdown_ms;
    enter(w, DRAIN_TASKS);
}

void drain_hurry(struct worker *w)
{
    hurry(w, "asked twice to stop: what runs is cancelled");
}

static void on_deadline(struct worker *w)
{
    if (w->stage <= DRAIN_TASKS && !w->drain_hurried) {
        hurry(w, "SHUTDOWN_TIMEOUT is over: what still runs is cancelled");
        return;
    }
    tell("the shutdown goes on without waiting for the rest", w);
    if (w->stage == DRAIN_SERVER)
        enter(w, DRAIN_DONE);
    else
        enter(w, w->stage < DRAIN_HOOKS ? DRAIN_HOOKS : w->stage + 1);
}

void drain_tick(struct worker *w)
{
    if (w->stage == DRAIN_DONE)
        return;
    if (w->stage == DRAIN_REQUESTS && w->drain_cut_ms != 0 && uv_now(&w->loop) >= w->drain_cut_ms)
        cut(w);
    else if (w->stage == DRAIN_TASKS && engines_tasks(&w->env) == 0)
        enter(w, DRAIN_HOOKS);
    else if (w->stage == DRAIN_BACKGROUND && engines_background(&w->env) == 0)
        enter(w, DRAIN_POOL);
    else if (uv_now(&w->loop) >= w->drain_end_ms)
        on_deadline(w);
}
