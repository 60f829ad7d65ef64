#include "base/log.h"
#include "base/mem.h"
#include "pg/conn.h"
#include "pg/lookup.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYWORDS_MAX = 64 }; /* libpq 15 knows 40 */

struct connect_job {
    struct lookup lookup;
    struct pg_conn *conn;               /* held while the lookup asks */
    bool abandoned;                     /* the connection gave up before the lookup had its answer */
    PQconninfoOption *given, *defaults; /* owned: the connection string; PGHOST and its like */
    char options[1024];
};

static const char *value_of(const PQconninfoOption *o, const char *keyword)
{
    for (; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

static const char *given(const struct connect_job *job, const char *keyword)
{
    return value_of(job->given, keyword);
}

static const char *given_or_default(const struct connect_job *job, const char *keyword)
{
    const char *value = given(job, keyword);

    return value ? value : value_of(job->defaults, keyword);
}

/* Inside the call that opens it, a failure is told at the next turn. */
static void fail_late(struct pg_conn *c, const char *why)
{
    pg_conn_shut(c, why);
    defer_call(c->opts->defer, &c->late);
}

static void job_free(struct connect_job *job)
{
    PQconninfoFree(job->given);
    PQconninfoFree(job->defaults);
    lookup_free(&job->lookup);
    free(job);
}

void connect_free(struct pg_conn *c)
{
    struct connect_job *job = c->job;

    if (job == NULL)
        return;
    c->job = NULL;
    if (!job->lookup.asking) {
        job_free(job);
        return;
    }
    job->abandoned = true; /* it frees itself when the answer comes; the thread cannot always be stopped */
    uv_cancel((uv_req_t *)&job->lookup.req);
}

void connect_fail(struct pg_conn *c, const char *why)
{
    wheel_clear(c->opts->wheel, &c->deadline);
    defer_drop(&c->late);
    pg_conn_shut(c, why);
    c->fn = NULL;
    connect_free(c);
    c->events->on_failed(c, c->broken);
}

static void on_notice(void *arg, const PGresult *res)
{
    struct pg_conn *c = arg;
    struct pg_error err;
    struct log_line l;

    pg_error_from_result(&err, res);
    if (pg_result_is_fatal(res)) {
        c->fatal = true;
        snprintf(c->broken, sizeof c->broken, "%.200s", err.message);
    }
    if (log_begin(&l, c->fatal ? LOG_WARN : LOG_DEBUG, "pool", err.message)) {
        log_str(&l, "sqlstate", err.sqlstate);
        log_end(&l);
    }
}

static bool is_set(PGconn *pq, const char *name, const char *value)
{
    const char *is = PQparameterStatus(pq, name);

    return is && strncmp(is, value, strlen(value)) == 0;
}

/* A pooler in between may have swallowed our settings. Only what the server reports can be seen. */
static bool session_is_ours(PGconn *pq)
{
    return is_set(pq, "TimeZone", "UTC") && is_set(pq, "DateStyle", "ISO") && is_set(pq, "client_encoding", "UTF8");
}

static void opened(struct pg_conn *c)
{
    wheel_clear(c->opts->wheel, &c->deadline);
    connect_free(c);
    c->opened = true;
    c->events->on_opened(c);
}

static void on_set_up(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;

    pg_result_free(res);
    if (err)
        c->events->on_failed(c, err->message);
    else
        c->events->on_opened(c);
}

static void connected(struct pg_conn *c)
{
    char sql[256];

    if (PQsetnonblocking(c->pq, 1) != 0) {
        connect_fail(c, PQerrorMessage(c->pq));
        return;
    }
    pg_conn_watch(c, UV_READABLE);
    if (!c->opts->plain_startup && session_is_ours(c->pq)) {
        opened(c);
        return;
    }
    snprintf(sql, sizeof sql,
             "SET TimeZone='UTC';SET DateStyle='ISO';SET client_encoding='UTF8';SET bytea_output='hex';"
             "SET extra_float_digits=1;SET statement_timeout=%llu",
             (unsigned long long)c->opts->statement_ms);
    wheel_clear(c->opts->wheel, &c->deadline);
    connect_free(c);
    c->opened = true;
    pg_conn_script(c, slice_str(sql), on_set_up, c);
}

void connect_step(struct pg_conn *c)
{
    switch (PQconnectPoll(c->pq)) {
    case PGRES_POLLING_READING:
        pg_conn_watch(c, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        pg_conn_watch(c, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        connected(c);
        break;
    default:
        /* PgBouncer before 1.20 ends a session that brings `options`. */
        if (strstr(PQerrorMessage(c->pq), "unsupported startup parameter"))
            c->opts->plain_startup = true;
        connect_fail(c, PQerrorMessage(c->pq));
    }
}

/* Ours come last where results must look the same everywhere, first where the user may know better. */
static void write_options(struct connect_job *job, const struct conn_opts *opts)
{
    const char *theirs = given_or_default(job, "options");
    int n =
        snprintf(job->options, sizeof job->options,
                 "-c statement_timeout=%llu %s -c TimeZone=UTC -c DateStyle=ISO -c bytea_output=hex -c extra_float_digits=1",
                 (unsigned long long)opts->statement_ms, theirs ? theirs : "");

    if (opts->plain_startup || n >= (int)sizeof job->options)
        snprintf(job->options, sizeof job->options, "%s", theirs ? theirs : "");
}

struct keywords {
    const char *names[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
    int n;
};

static void put(struct keywords *k, const char *name, const char *value)
{
    assert(k->n < KEYWORDS_MAX);
    k->names[k->n] = name;
    k->values[k->n++] = value;
}

static bool is_ours(const char *keyword)
{
    static const char *const ours[] = {"host", "hostaddr", "port", "options", "client_encoding"};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(keyword, ours[i]) == 0)
            return true;
    return false;
}

static void dial(struct pg_conn *c)
{
    struct connect_job *job = c->job;
    struct keywords k = {.n = 0};

    for (PQconninfoOption *o = job->given; o->keyword; o++)
        if (o->val && !is_ours(o->keyword))
            put(&k, o->keyword, o->val);
    write_options(job, c->opts);
    put(&k, "host", job->lookup.host.p);
    put(&k, "hostaddr", job->lookup.hostaddr.p);
    put(&k, "port", job->lookup.port.p);
    put(&k, "options", job->options);
    put(&k, "client_encoding", "UTF8");
    put(&k, "fallback_application_name", c->opts->application_name);
    if (!given(job, "gssencmode")) /* its libraries do blocking lookups of their own */
        put(&k, "gssencmode", "disable");
    if (!given(job, "keepalives_idle"))
        put(&k, "keepalives_idle", "60");
    if (!given(job, "tcp_user_timeout")) /* of cancel requests too, which have no other limit */
        put(&k, "tcp_user_timeout", "10000");
    c->pq = PQconnectStartParams(k.names, k.values, 0);
    if (c->pq == NULL)
        abort(); /* out of memory */
    PQsetNoticeReceiver(c->pq, on_notice, c);
    if (PQstatus(c->pq) == CONNECTION_BAD)
        fail_late(c, PQerrorMessage(c->pq));
    else
        pg_conn_watch(c, UV_WRITABLE);
}

static void looked_up(struct pg_conn *c)
{
    struct lookup *l = &c->job->lookup;

    if (l->addresses == 0)
        fail_late(c, l->err);
    else
        dial(c);
}

static void on_looked_up(struct lookup *l)
{
    struct connect_job *job = LIST_OF(l, struct connect_job, lookup);
    struct pg_conn *c = job->conn;

    c->opts->lookups--;
    if (job->abandoned)
        job_free(job);
    else
        looked_up(c);
    pg_conn_drop_hold(c);
}

void connect_start(struct pg_conn *c)
{
    struct connect_job *job = mem_zalloc(sizeof *job);
    const char *host, *hostaddr;

    c->job = job;
    job->conn = c;
    job->given = PQconninfoParse(c->opts->url, NULL);
    job->defaults = PQconndefaults();
    if (job->given == NULL) { /* libpq's message would hold the string, and the password in it */
        fail_late(c, "DATABASE_URL is not a connection string that libpq understands");
        return;
    }
    if (c->opts->lookups >= CONN_LOOKUPS_MAX) {
        fail_late(c, "earlier lookups of the host still have no answer");
        return;
    }
    host = given(job, "host");
    hostaddr = given(job, "hostaddr");
    if (!host && !hostaddr) {
        host = value_of(job->defaults, "host");
        hostaddr = value_of(job->defaults, "hostaddr");
    }
    if (lookup_start(&job->lookup, c->opts->loop, host, hostaddr, given_or_default(job, "port"), on_looked_up)) {
        looked_up(c);
        return;
    }
    c->opts->lookups++;
    pg_conn_hold(c);
}
