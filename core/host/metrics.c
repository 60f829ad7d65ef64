#include "host/metrics.h"
#include "base/mem.h"
#include "base/version.h"
#include "http/server.h"
#include "script/engines.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void metrics_publish(struct worker_metrics *m, const struct script_env *env)
{
    struct worker_gauges *now = &m->now;
    struct pool_status db = {.size = 0};

    if (env->server) {
        const struct server_counts *c = server_counts(env->server);
        counter_set(&now->connections, c->connections);
        counter_set(&now->active, c->active);
        counter_set(&now->streams, c->streams);
    }
    counter_set(&now->tasks, engines_tasks(env));
    counter_set(&now->background, engines_background(env));
    counter_set(&now->lua_heap, engines_heap(env));
    if (env->pool)
        pool_status(env->pool, &db);
    counter_set(&now->db_busy, db.busy);
    counter_set(&now->db_idle, db.idle);
    counter_set(&now->db_connecting, db.connecting);
    counter_set(&now->db_waiting, db.waiting);
    counter_set(&now->db_max, db.max);
    counter_set(&now->db_available, db.available);
}

/* ---- single numbers ---- */

struct metric {
    const char *name, *labels, *help;
    size_t at; /* of its counter in struct worker_metrics */
    enum metric_kind { COUNTER, GAUGE, MICROSECONDS } kind;
};

#define AT(member) offsetof(struct worker_metrics, member)
/* Lines of one name stand together; the first one has its help. */
static const struct metric metrics[] = {
    {"neap_http_connections_total", "", "Connections that were taken", AT(http.connections), COUNTER},
    {"neap_http_connections_refused_total", "", "Connections over a limit, answered with 503", AT(http.refused), COUNTER},
    {"neap_http_request_bytes_total", "", "Bytes read from clients", AT(http.bytes_in), COUNTER},
    {"neap_http_response_bytes_total", "", "Bytes sent to clients", AT(http.bytes_out), COUNTER},
    {"neap_http_connections", "{state=\"open\"}", "Connections now", AT(now.connections), GAUGE},
    {"neap_http_connections", "{state=\"active\"}", NULL, AT(now.active), GAUGE},
    {"neap_http_connections", "{state=\"stream\"}", NULL, AT(now.streams), GAUGE},
    {"neap_tasks", "{kind=\"request\"}", "Lua that runs or waits", AT(now.tasks), GAUGE},
    {"neap_tasks", "{kind=\"background\"}", NULL, AT(now.background), GAUGE},
    {"neap_lua_heap_bytes", "", "Memory of Lua", AT(now.lua_heap), GAUGE},
    {"neap_reloads_total", "{result=\"loaded\"}", "Times that the application was loaded anew", AT(script.reloads), COUNTER},
    {"neap_reloads_total", "{result=\"failed\"}", NULL, AT(script.reload_failures), COUNTER},
    {"neap_db_connections", "{state=\"busy\"}", "Connections to Postgres now", AT(now.db_busy), GAUGE},
    {"neap_db_connections", "{state=\"idle\"}", NULL, AT(now.db_idle), GAUGE},
    {"neap_db_connections", "{state=\"connecting\"}", NULL, AT(now.db_connecting), GAUGE},
    {"neap_db_connections_max", "", "The limit of the pools", AT(now.db_max), GAUGE},
    {"neap_db_waiting", "", "Those who wait for a connection now", AT(now.db_waiting), GAUGE},
    {"neap_db_available_workers", "", "Workers that reach the database", AT(now.db_available), GAUGE},
    {"neap_db_acquired_total", "", "Times that a connection was lent", AT(pool.acquired), COUNTER},
    {"neap_db_refused_total", "{reason=\"line_full\"}", "Those who got no connection", AT(pool.line_full), COUNTER},
    {"neap_db_refused_total", "{reason=\"waited\"}", NULL, AT(pool.waited), COUNTER},
    {"neap_db_connects_total", "", "Connections that were made", AT(pool.connects), COUNTER},
    {"neap_db_connect_failures_total", "", "Connections that could not be made", AT(pool.connect_failures), COUNTER},
    {"neap_db_connections_lost_total", "", "Connections that broke", AT(pool.lost), COUNTER},
    {"neap_db_leaked_transactions_total", "", "Transactions that were left open", AT(pool.leaked), COUNTER},
    {"neap_db_statements_total", "", "Statements that handlers waited for", AT(script.statements), COUNTER},
    {"neap_db_statement_seconds_total", "", "How long they took", AT(script.statement_us), MICROSECONDS},
    {"neap_db_slow_statements_total", "", "Those that took longer than DB_SLOW_MS", AT(script.slow_statements), COUNTER},
    {"neap_job_runs_total", "{result=\"succeeded\"}", "Runs of jobs", AT(script.jobs_succeeded), COUNTER},
    {"neap_job_runs_total", "{result=\"failed\"}", NULL, AT(script.jobs_failed), COUNTER},
    {"neap_jobs_dead_total", "", "Jobs that were given up", AT(script.jobs_dead), COUNTER},
    {"neap_streams_cut_total", "{reason=\"slow\"}", "Event streams that the server ended", AT(script.streams_slow), COUNTER},
    {"neap_streams_cut_total", "{reason=\"expired\"}", NULL, AT(script.streams_expired), COUNTER},
};

/* Gauges of a worker that is gone are of no interest, what it counted is. */
static uint64_t sum(const struct shared *s, const struct metric *m)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < s->count; i++)
        if (m->kind != GAUGE || atomic_load(&s->slots[i].pid) != 0)
            n += counter_get((const struct counter *)(const void *)((const char *)&s->slots[i].metrics + m->at));
    return n;
}

static void write_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_seconds(struct buf *out, uint64_t us)
{
    buf_printf(out, "%llu.%06llu\n", (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
}

static void write_metric(struct buf *out, const struct shared *s, const struct metric *m)
{
    if (m->help)
        write_head(out, m->name, m->help, m->kind == GAUGE ? "gauge" : "counter");
    buf_printf(out, "%s%s ", m->name, m->labels);
    if (m->kind == MICROSECONDS)
        write_seconds(out, sum(s, m));
    else
        buf_printf(out, "%llu\n", (unsigned long long)sum(s, m));
}

/* ---- histograms ---- */

struct times_sum {
    uint64_t upto[TIMES_BOUNDS + 1], sum_us;
};

static void add_times(struct times_sum *to, const struct times *t)
{
    for (int i = 0; i <= TIMES_BOUNDS; i++)
        to->upto[i] += counter_get(&t->upto[i]);
    to->sum_us += counter_get(&t->sum_us);
}

/* The count is that of the last bucket, so that both agree although others count meanwhile. */
static void write_times(struct buf *out, const char *name, const char *labels, const struct times_sum *t)
{
    unsigned long long n = 0;
    bool bare = labels[0] == '\0';

    for (int i = 0; i < TIMES_BOUNDS; i++) {
        n += t->upto[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, bare ? "" : ",", times_bounds_us[i] / 1e6, n);
    }
    n += t->upto[TIMES_BOUNDS];
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, bare ? "" : ",", n);
    buf_printf(out, bare ? "%s_sum%s " : "%s_sum{%s} ", name, labels);
    write_seconds(out, t->sum_us);
    buf_printf(out, bare ? "%s_count%s %llu\n" : "%s_count{%s} %llu\n", name, labels, n);
}

static void write_waits(struct buf *out, const struct shared *s)
{
    struct times_sum all = {.sum_us = 0};

    for (unsigned i = 0; i < s->count; i++)
        add_times(&all, &s->slots[i].metrics.pool.wait);
    write_head(out, "neap_db_wait_seconds", "How long a connection was waited for", "histogram");
    write_times(out, "neap_db_wait_seconds", "", &all);
}

/* ---- requests, by route ---- */

struct series_sum {
    const struct series *name; /* of any worker */
    uint64_t by_class[6];
    struct times_sum took;
};

struct all_series {
    struct series_sum *of; /* owned */
    unsigned n;
};

static bool is_named(const struct series_sum *s, const struct series *name)
{
    return strcmp(s->name->pattern, name->pattern) == 0 && strcmp(s->name->method, name->method) == 0;
}

/* Workers know the same routes, mostly in the same order. */
static struct series_sum *find(struct all_series *all, const struct series *name, unsigned guess)
{
    if (guess < all->n && is_named(&all->of[guess], name))
        return &all->of[guess];
    for (unsigned i = 0; i < all->n; i++)
        if (is_named(&all->of[i], name))
            return &all->of[i];
    all->of[all->n] = (struct series_sum){.name = name};
    return &all->of[all->n++];
}

static struct all_series gather(const struct shared *s)
{
    unsigned room = 0;
    struct all_series all = {.n = 0};

    for (unsigned i = 0; i < s->count; i++)
        room += SERIES_MAX;
    all.of = mem_zalloc(room * sizeof *all.of);
    for (unsigned i = 0; i < s->count; i++) {
        const struct http_metrics *m = &s->slots[i].metrics.http;
        unsigned n = atomic_load_explicit(&m->count, memory_order_acquire);
        for (unsigned k = 0; k < n || k == 0; k++) {
            struct series_sum *one = find(&all, &m->series[k], k);
            for (int class = 0; class < 6; class ++)
                one->by_class[class] += counter_get(&m->series[k].by_class[class]);
            add_times(&one->took, &m->series[k].took);
        }
    }
    return all;
}

static bool was_used(const struct series_sum *s)
{
    uint64_t n = 0;

    for (int i = 0; i <= TIMES_BOUNDS; i++)
        n += s->took.upto[i];
    return n > 0;
}

static void write_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static struct buf labels_of(const struct series_sum *s)
{
    struct buf labels = BUF_INIT;
    bool has_route = s->name->pattern[0] != '\0';

    buf_lit(&labels, "method=\"");
    write_escaped(&labels, has_route ? s->name->method : "other");
    buf_lit(&labels, "\",route=\"");
    write_escaped(&labels, has_route ? s->name->pattern : "none");
    buf_lit(&labels, "\"");
    buf_char(&labels, '\0');
    return labels;
}

static void write_requests(struct buf *out, const struct all_series *all)
{
    static const char *const classes[] = {"left", "1xx", "2xx", "3xx", "4xx", "5xx"};

    write_head(out, "neap_http_requests_total", "Requests by route and class of the answer; left: the client went first",
               "counter");
    for (unsigned i = 0; i < all->n; i++) {
        struct buf labels = labels_of(&all->of[i]);
        for (int class = 0; class < 6; class ++)
            if (all->of[i].by_class[class] > 0)
                buf_printf(out, "neap_http_requests_total{%s,status=\"%s\"} %llu\n", labels.p, classes[class],
                           (unsigned long long)all->of[i].by_class[class]);
        buf_free(&labels);
    }
}

static void write_durations(struct buf *out, const struct all_series *all)
{
    write_head(out, "neap_http_request_duration_seconds", "From the first byte of a request to its answer", "histogram");
    for (unsigned i = 0; i < all->n; i++) {
        struct buf labels = labels_of(&all->of[i]);
        if (was_used(&all->of[i]))
            write_times(out, "neap_http_request_duration_seconds", labels.p, &all->of[i].took);
        buf_free(&labels);
    }
}

/* ---- processes ---- */

static void write_processes(struct buf *out, const struct shared *s)
{
    unsigned long long restarts = 0;

    for (unsigned i = 0; i < s->count; i++) {
        unsigned generation = atomic_load(&s->slots[i].generation);
        restarts += generation > 1 ? generation - 1 : 0;
    }
    write_head(out, "neap_info", "The version that runs", "gauge");
    buf_printf(out, "neap_info{version=\"%s\"} 1\n", NEAP_VERSION);
    write_head(out, "neap_workers", "Workers that take requests", "gauge");
    buf_printf(out, "neap_workers %u\n", shared_ready(s));
    write_head(out, "neap_worker_restarts_total", "Workers that had to be started anew", "counter");
    buf_printf(out, "neap_worker_restarts_total %llu\n", restarts);
}

static void write_rates(struct buf *out, const struct rates *rates)
{
    struct rates_counts c = rates_counts(rates);

    write_head(out, "neap_rate_limited_total", "Requests over a rate limit", "counter");
    buf_printf(out, "neap_rate_limited_total %llu\n", (unsigned long long)c.refused);
    write_head(out, "neap_rate_alone_total", "Requests counted on this host alone while Redis was away", "counter");
    buf_printf(out, "neap_rate_alone_total %llu\n", (unsigned long long)c.alone);
    write_head(out, "neap_rate_keys_forgotten_total", "Callers whose count was given up for another's", "counter");
    buf_printf(out, "neap_rate_keys_forgotten_total %llu\n", (unsigned long long)c.forgotten);
}

void metrics_write(struct buf *out, const struct shared *s, const struct rates *rates)
{
    struct all_series all = gather(s);

    write_processes(out, s);
    write_requests(out, &all);
    write_durations(out, &all);
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        write_metric(out, s, &metrics[i]);
    write_waits(out, s);
    if (rates)
        write_rates(out, rates);
    free(all.of);
}
