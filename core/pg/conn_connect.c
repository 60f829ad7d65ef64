#include "base/log.h"
#include "base/mem.h"
#include "pg/conn.h"
#include "pg/lookup.h"
#include "pg/silence.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEYWORDS_MAX = 64, /* libpq 15 knows 40 */
    TARGET_MS = 2000,  /* for each of several servers, unless connect_timeout says otherwise */
};

/* libpq would go through the servers by itself, but not leave one that says nothing: without blocking calls its
 * connect_timeout does not count, and a machine that is gone says nothing. So it gets one server at a time. */
struct connect_job {
    struct lookup lookup;
    struct pg_conn *conn;               /* held while the lookup asks */
    bool abandoned;                     /* the connection gave up before the lookup had its answer */
    PQconninfoOption *given, *defaults; /* owned: the connection string; PGHOST and its like */
    const char *session;                /* target_session_attrs; NULL: any */
    bool second_choice;                 /* prefer-standby found none: now any server will do */
    unsigned order[LOOKUP_TARGETS_MAX], at;
    bool dialing;
    char options[1024];
    char why[CONN_BROKEN_MAX]; /* what each of them said */
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

static void fail(struct pg_conn *c, const char *why)
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
    const char *function = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    struct pg_error err;
    struct log_line l;

    /* Of a commit that was cancelled or cut off while it waited for a synchronous standby. The server calls it done. */
    if (function && strcmp(function, "SyncRepWaitForLSN") == 0)
        c->unreplicated = true;
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

/* Those who ask for a server that takes no writes have no use for another. */
static bool wants_standby(const char *session)
{
    return session && (strcmp(session, "read-only") == 0 || strstr(session, "standby"));
}

static void opened(struct pg_conn *c)
{
    wheel_clear(c->opts->wheel, &c->deadline);
    connect_free(c);
    c->opened = true;
    c->opened_ms = uv_now(c->opts->loop);
    c->events->on_opened(c);
}

static void on_set_up(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct pg_conn *c = arg;

    pg_result_free(res);
    c->touched = false; /* these settings are ours */
    if (err)
        c->events->on_failed(c, err->message);
    else
        c->events->on_opened(c);
}

static void connected(struct pg_conn *c)
{
    char sql[256];

    if (PQsetnonblocking(c->pq, 1) != 0) {
        fail(c, PQerrorMessage(c->pq));
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
    c->opened_ms = uv_now(c->opts->loop);
    pg_conn_script(c, slice_str(sql), on_set_up, c);
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
    static const char *const ours[] = {"host", "hostaddr", "port", "options", "client_encoding", "target_session_attrs"};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(keyword, ours[i]) == 0)
            return true;
    return false;
}

static const char *wanted_session(const struct connect_job *job)
{
    if (job->session == NULL || strcmp(job->session, "prefer-standby") != 0)
        return job->session;
    return job->second_choice ? "any" : "standby";
}

static const struct lookup_target *target_of(const struct connect_job *job)
{
    return &job->lookup.targets[job->order[job->at]];
}

/* False: it failed at once, and c->pq says why. */
static bool dial(struct pg_conn *c)
{
    struct connect_job *job = c->job;
    const struct lookup_target *target = target_of(job);
    struct keywords k = {.n = 0};

    for (PQconninfoOption *o = job->given; o->keyword; o++)
        if (o->val && !is_ours(o->keyword))
            put(&k, o->keyword, o->val);
    write_options(job, c->opts);
    put(&k, "host", target->name);
    put(&k, "hostaddr", target->address);
    put(&k, "port", target->port);
    put(&k, "target_session_attrs", wanted_session(job));
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
    return PQstatus(c->pq) != CONNECTION_BAD;
}

static void add_why(struct connect_job *job, const char *why)
{
    size_t n = strlen(job->why);

    snprintf(job->why + n, sizeof job->why - n, "%s%s", n > 0 ? "; " : "", why);
    pg_error_trim(job->why);
}

static uint64_t patience_ms(const struct pg_conn *c)
{
    const char *given_s = given_or_default(c->job, "connect_timeout");
    int s = given_s ? atoi(given_s) : 0;

    if (s > 0)
        return (uint64_t)s * 1000;
    return c->job->lookup.count > 1 && c->opts->connect_ms > TARGET_MS ? TARGET_MS : c->opts->connect_ms;
}

static void hang_up(struct pg_conn *c)
{
    c->job->dialing = false;
    pg_conn_hang_up(c);
    c->fatal = false;
    c->broken[0] = '\0';
}

/* The present server will not do: the next one. False: there is none left. */
static bool turn_to_next(struct pg_conn *c)
{
    struct connect_job *job = c->job;

    hang_up(c);
    if (++job->at < job->lookup.count)
        return true;
    if (job->session == NULL || strcmp(job->session, "prefer-standby") != 0 || job->second_choice)
        return false;
    job->second_choice = true;
    job->at = 0;
    job->why[0] = '\0';
    return true;
}

/* Goes on with the server at job->at. False: none of them, and job->why says why not. */
static bool dial_on(struct pg_conn *c)
{
    while (!dial(c)) {
        add_why(c->job, PQerrorMessage(c->pq));
        if (!turn_to_next(c))
            return false;
    }
    c->job->dialing = true;
    wheel_set(c->opts->wheel, &c->deadline, patience_ms(c));
    pg_conn_watch(c, UV_WRITABLE);
    return true;
}

static void try_next(struct pg_conn *c)
{
    if (!turn_to_next(c) || !dial_on(c))
        fail(c, c->job->why);
}

/* PgBouncer before 1.20 ends a session that brings `options`. */
static bool refuses_options(const struct pg_conn *c)
{
    return c->job->options[0] && strstr(PQerrorMessage(c->pq), "unsupported startup parameter");
}

/* The same server once more, without options. */
static void dial_again(struct pg_conn *c)
{
    hang_up(c);
    if (!dial_on(c))
        fail(c, c->job->why);
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
        if (refuses_options(c)) {
            c->opts->plain_startup = true;
            dial_again(c);
        } else {
            add_why(c->job, PQerrorMessage(c->pq));
            try_next(c);
        }
    }
}

void connect_late(struct pg_conn *c)
{
    fail(c, c->job->why);
}

void connect_overdue(struct pg_conn *c)
{
    struct connect_job *job = c->job;
    char why[512];

    if (!job->dialing) {
        fail(c, "the lookup of the host has no answer");
        return;
    }
    snprintf(why, sizeof why, "%.200s port %s: no answer within %llu ms", PQhost(c->pq) ? PQhost(c->pq) : "?",
             PQport(c->pq) ? PQport(c->pq) : "?", (unsigned long long)patience_ms(c));
    add_why(job, why);
    silence_note(c->opts->silence, target_of(job), uv_now(c->opts->loop));
    try_next(c);
}

/* In the order of the connection string, but those that were silent a moment ago come last. */
static void arrange(struct pg_conn *c)
{
    struct connect_job *job = c->job;
    uint64_t now = uv_now(c->opts->loop);
    unsigned n = 0;

    for (int silent = 0; silent <= 1; silent++)
        for (unsigned i = 0; i < job->lookup.count; i++)
            if (silence_is_known(c->opts->silence, &job->lookup.targets[i], now) == silent)
                job->order[n++] = i;
    job->at = 0;
}

/* A failure is told at the next turn: this may run inside the call that opens the connection. */
static void looked_up(struct pg_conn *c)
{
    struct connect_job *job = c->job;

    if (job->lookup.count == 0)
        add_why(job, job->lookup.err);
    arrange(c);
    if (job->lookup.count == 0 || !dial_on(c))
        defer_call(c->opts->defer, &c->late);
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
    if (job->given == NULL) /* libpq's message would hold the string, and the password in it */
        add_why(job, "DATABASE_URL is not a connection string that libpq understands");
    else if (c->opts->lookups >= CONN_LOOKUPS_MAX)
        add_why(job, "earlier lookups of the host still have no answer");
    if (job->why[0]) {
        defer_call(c->opts->defer, &c->late);
        return;
    }
    job->session = given_or_default(job, "target_session_attrs");
    c->opts->standby_wanted = wants_standby(job->session);
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
