#include "pg/conn.h"
#include "pg/lane.h"
#include "pg/session.h"
#include <assert.h>
#include <ctype.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>

/* "UTC+5" is a time zone of its own, five hours behind. */
static bool is_in_utc(const struct pg_conn *c)
{
    const char *zone = PQparameterStatus(c->pq, "TimeZone");

    return zone && strcmp(zone, "UTC") == 0;
}

/* "ISO, MDY": the order is that of input. */
static bool is_in_iso(const struct pg_conn *c)
{
    const char *style = PQparameterStatus(c->pq, "DateStyle");

    return style && strncmp(style, "ISO", 3) == 0;
}

/* A pooler in between may run it on a connection where its columns are others. */
int conn_format(const struct pg_conn *c, const struct prepared *p)
{
    return p->binary && !c->opts->plain_startup && is_in_utc(c) && is_in_iso(c);
}

static void drop_result(struct pg_conn *c)
{
    PQclear(c->result);
    c->result = NULL;
}

static bool is_chained(const char *sql)
{
    for (const char *at = sql; *at != '\0'; at++) {
        const char *before = at;
        while (strncasecmp(at, "chain", 5) == 0 && before > sql && isspace((unsigned char)before[-1]))
            before--;
        if (before < at && before - sql >= 3 && strncasecmp(before - 3, "and", 3) == 0)
            return true;
    }
    return false;
}

/* The state of the transaction does not tell whether it is still the same one. The tag of ROLLBACK is that of ROLLBACK TO
 * as well, and of a COMMIT that had nothing left to commit: what tells is that a transaction begins after it. */
void conn_note_tag(struct pg_conn *c, const PGresult *res, struct slice sql)
{
    const char *tag = PQresultStatus(res) == PGRES_COMMAND_OK ? PQcmdStatus((PGresult *)res) : "";

    if (strcmp(tag, "COMMIT") == 0 || strcmp(tag, "PREPARE TRANSACTION") == 0)
        c->tx_ended = true;
    else if (strcmp(tag, "ROLLBACK") == 0 && is_chained(sql.p))
        c->tx_ended = true;
    else if (strcmp(tag, "ROLLBACK") == 0)
        c->rolled_back = true;
    else if (strcmp(tag, "BEGIN") == 0 || strcmp(tag, "START TRANSACTION") == 0)
        c->tx_ended |= c->rolled_back;
}

void conn_keep_result(struct pg_conn *c, PGresult *res)
{
    conn_note_tag(c, res, c->st->sql);
    c->result = pg_result_of_both(c->result, res);
}

/* The server has lost it (DISCARD ALL, a pooler in between), or its plan is of no more use. A statement that failed outside
 * of a transaction has done nothing, so it may run again. Inside of one it cannot, but the other connections need not run
 * into the same. */
static bool is_stale(struct pg_conn *c)
{
    if (c->prepared && pg_result_wants_preparing(c->result))
        statement_forget(&c->cache, c->prepared);
    else if (pg_result_is_stale(c->result))
        c->opts->plans++;
    else
        return false;
    c->prepared = NULL;
    return !c->was_in_tx && !c->retried && c->stop == STOP_NONE;
}

/* libpq has said that this step has no more results. */
static void step_over(struct pg_conn *c)
{
    enum conn_step step = c->step;
    bool failed = c->result == NULL || pg_result_is_error(c->result);

    c->step = STEP_NONE;
    if (step == STEP_PREPARE && !failed) {
        statement_add(&c->cache, c->st->sql, statement_hash_of(c->st));
        drop_result(c);
        if (c->stop == STOP_NONE) {
            pg_conn_send_statement(c);
            return;
        }
    }
    if (step == STEP_EXECUTE && failed && c->result && is_stale(c)) {
        c->retried = c->unsent = true;
        drop_result(c);
        pg_conn_send_statement(c);
        return;
    }
    pg_conn_finish(c);
}

static void drain_notifications(struct pg_conn *c)
{
    PGnotify *n;

    while (c->pq && (n = PQnotifies(c->pq)) != NULL) {
        if (c->events->on_notify)
            c->events->on_notify(c, slice_str(n->relname), slice_str(n->extra));
        PQfreemem(n);
    }
}

void conn_refuse_copy(struct pg_conn *c)
{
    drop_result(c);
    c->stop = STOP_FAULT;
    c->fault = "COPY from or to the client is done with db.copy_in and db.copy_out";
    pg_conn_break(c, c->fault);
}

/* The end of the session was told (FATAL). The end of its connection may take its time, or never come, when the server's
 * process is stuck on its way out. */
void conn_take_leave(struct pg_conn *c)
{
    pg_conn_break(c, "the server ended the session");
}

static void read_results(struct pg_conn *c)
{
    if (c->step == STEP_STREAM) {
        conn_stream_read(c);
        return;
    }
    if (c->step == STEP_TYPES) {
        conn_types_read(c);
        return;
    }
    if (c->step == STEP_BATCH) {
        conn_batch_read(c);
        return;
    }
    while (!PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL) {
            if (PQstatus(c->pq) == CONNECTION_OK)
                step_over(c);
            else
                pg_conn_break(c, PQerrorMessage(c->pq));
            return;
        }
        if (pg_result_is_copy(res)) {
            PQclear(res);
            conn_refuse_copy(c);
            return;
        }
        bool is_over = pg_result_is_fatal(res);
        conn_keep_result(c, res);
        if (is_over) {
            conn_take_leave(c);
            return;
        }
    }
}

/* A TLS record holds up to 16 KiB and libpq 15 reads no more than its buffer has room for, 8 KiB at least. The rest then
 * lies in OpenSSL, where no poll of the socket sees it. (Servers from 17 on send records that large.) For who listens that
 * may be messages, which come while nothing is awaited. */
bool conn_has_hidden_input(const struct pg_conn *c)
{
    SSL *ssl = PQsslInUse(c->pq) ? PQsslStruct(c->pq, "OpenSSL") : NULL;

    return ssl && SSL_pending(ssl) > 0;
}

bool conn_consume(struct pg_conn *c)
{
    do {
        if (!PQconsumeInput(c->pq))
            return false;
    } while (conn_has_hidden_input(c) && (PQisBusy(c->pq) || c->events->on_notify));
    return true;
}

void pg_conn_on_input(struct pg_conn *c)
{
    int flushed;

    if (c->fn && c->step == STEP_COPY_IN) {
        conn_copy_on_input(c);
        return;
    }
    if (!conn_consume(c)) {
        pg_conn_break(c, PQerrorMessage(c->pq));
        return;
    }
    if (c->fn && c->step != STEP_NONE) {
        read_results(c);
        if (c->events->on_notify)
            drain_notifications(c);
        return;
    }
    if (c->lane && !lane_is_idle(c->lane)) {
        lane_on_input(c->lane);
        return;
    }
    (void)PQisBusy(c->pq); /* reads notices: FATAL comes as one when nothing runs */
    drain_notifications(c);
    flushed = PQflush(c->pq);
    if (c->fatal || flushed < 0 || PQstatus(c->pq) != CONNECTION_OK)
        pg_conn_break(c, c->broken[0] ? c->broken : PQerrorMessage(c->pq));
}

void pg_conn_on_writable(struct pg_conn *c)
{
    int rc = PQflush(c->pq);

    if (rc < 0)
        pg_conn_break(c, PQerrorMessage(c->pq));
    else if (rc == 0)
        pg_conn_watch(c, UV_READABLE);
    if (rc == 0 && c->fn && c->step == STEP_COPY_IN)
        conn_copy_on_flushed(c);
}

/* 57014 has several authors: our cancel request, the session's statement_timeout, and people with pg_cancel_backend. */
static void name_cancel(struct pg_conn *c, struct pg_error *err)
{
    if (c->stop == STOP_CANCELLED)
        err->kind = PG_CANCELLED;
    else if (c->stop == STOP_DEADLINE || (c->statement_ms > 0 && uv_now(c->opts->loop) - c->begun_ms >= c->statement_ms))
        err->kind = PG_TIMED_OUT;
}

static void error_of_result(struct pg_conn *c, struct pg_error *err)
{
    pg_error_from_result(err, c->result);
    if (strcmp(err->sqlstate, "25006") == 0 && conn_turned_read_only(c) && !c->was_in_tx)
        err->kind = PG_UNAVAILABLE;
    if (strcmp(err->sqlstate, "57014") == 0)
        name_cancel(c, err);
    else if (pg_result_is_fatal(c->result) || c->pq == NULL)
        err->kind = c->unsent && !c->was_in_tx ? PG_UNAVAILABLE : PG_LOST;
}

/* There is no answer: why not? */
static void error_of_silence(struct pg_conn *c, struct pg_error *err)
{
    if (c->stop == STOP_FAULT)
        pg_error_set(err, PG_BAD_PARAM, "%s", c->fault);
    else if (c->stop == STOP_CANCELLED)
        pg_error_set(err, PG_CANCELLED, "cancelled");
    else if (c->stop == STOP_DEADLINE)
        pg_error_set(err, PG_TIMED_OUT, "no answer within %llu ms", (unsigned long long)c->statement_ms);
    else if (c->unsent && !c->was_in_tx)
        pg_error_set(err, PG_UNAVAILABLE, "%s", c->broken);
    else
        pg_error_set(err, PG_LOST, "%s", c->broken[0] ? c->broken : "the server gave no result");
}

/* The server checks that the columns of a prepared statement stay, but not those of the table behind a function that is
 * written out into its plan; and a pooler can have put another server behind it. */
void conn_error_of_format(struct pg_error *err)
{
    pg_error_set(err, PG_SERVER, "the columns of a prepared statement are not what they were");
    memcpy(err->sqlstate, "0A000", sizeof err->sqlstate);
}

static void refuse_format(struct pg_conn *c, struct pg_error *err)
{
    conn_error_of_format(err);
    if (c->prepared)
        statement_forget(&c->cache, c->prepared);
    c->prepared = NULL;
}

/* The server does not say that the rows of a FETCH or an EXECUTE have other columns than the last time. */
static void note_rows(struct prepared *p, const struct pg_result *res)
{
    if (pg_result_suits_binary(res) && !session_lends_columns(slice_of(p->sql, p->n)))
        p->binary = true;
}

struct pg_result *conn_take_rows(struct pg_conn *c, PGresult *taken, uint64_t statement)
{
    struct pg_result *res = pg_result_new(taken, c->opts->shapes, statement);

    if (pg_result_bytes(res) > CONN_BYTES_KEPT_MAX && pg_result_largest_row(res) > CONN_BYTES_KEPT_MAX)
        c->worn = true;
    return res;
}

/* The connection must not be used again before a cancel request is through: it would hit the next statement. */
void pg_conn_finish(struct pg_conn *c)
{
    struct pg_error err; /* only as far as it is needed: it is large */
    pg_result_fn fn = c->fn;
    void *arg = c->arg;
    uint64_t statement = c->st ? c->st->hash : 0;

    err.kind = PG_OK;
    assert(fn != NULL);
    /* COMMAND_OK is said before the commit of a statement on its own: without the end of the step it means nothing. */
    if (c->step != STEP_NONE && c->result && !pg_result_is_error(c->result))
        drop_result(c);
    c->step = STEP_NONE;
    if (c->pq && !cancel_drop(c))
        return;
    if (c->pq && c->result && !pg_result_is_error(c->result) && conn_types_ask(c))
        return;
    wheel_clear(c->opts->wheel, &c->deadline);
    wheel_clear(c->opts->wheel, &c->cancel_again);
    defer_drop(&c->late);
    defer_drop(&c->sending);
    conn_stream_reset(c);
    c->fn = NULL;
    c->st = NULL;
    if (c->result == NULL)
        error_of_silence(c, &err);
    else if (pg_result_is_error(c->result))
        error_of_result(c, &err);
    else if (c->unreplicated)
        pg_error_set(&err, PG_LOST, "committed, but the server gave up waiting for its standby");
    else if (!pg_result_is_readable(c->result))
        refuse_format(c, &err);
    if (err.kind == PG_OK) {
        PGresult *taken = c->result;
        c->result = NULL;
        struct pg_result *res = conn_take_rows(c, taken, statement);
        if (c->prepared)
            note_rows(c->prepared, res);
        fn(res, NULL, arg);
        return;
    }
    drop_result(c);
    if (err.kind == PG_LOST || err.kind == PG_UNAVAILABLE)
        pg_conn_shut(c, err.message);
    fn(NULL, &err, arg);
}
