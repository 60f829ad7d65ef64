/* A result with a column of a type that nobody has met yet is held back while its connection asks what it is. So the first
 * result of a statement has arrays where the others have them. Rows in parts cannot be held back: before the first of
 * them all types are asked for, and one that is made afterwards is text there until another statement has met it. */
#include "base/log.h"
#include "pg/conn.h"
#include "pg/result/shape.h"

/* The arrays, and what their elements are below all their domains. */
#define TYPES_QUERY                                                                                                      \
    "WITH RECURSIVE t AS (SELECT a.oid, e.oid AS element, e.typtype, e.typbasetype FROM pg_catalog.pg_type a "           \
    "JOIN pg_catalog.pg_type e ON e.oid = a.typelem WHERE a.oid >= 16384 AND a.typlen = -1 AND a.typcategory = 'A' "     \
    "UNION ALL SELECT t.oid, e.oid, e.typtype, e.typbasetype FROM t JOIN pg_catalog.pg_type e ON e.oid = t.typbasetype " \
    "WHERE t.typtype = 'd') SELECT oid, element FROM t WHERE typtype <> 'd'"

static struct user_types *known(const struct pg_conn *c)
{
    return &c->opts->shapes->types;
}

static bool can_ask(const struct pg_conn *c)
{
    enum pg_tx_status status = pg_conn_tx_status(c);

    return c->opts->shapes && !c->types_asked && c->stop == STOP_NONE && (status == PG_TX_IDLE || status == PG_TX_OPEN);
}

static bool send_query(struct pg_conn *c)
{
    c->types_asked = true;
    if (!PQsendQuery(c->pq, TYPES_QUERY))
        return false;
    c->step = STEP_TYPES;
    if (c->statement_ms > 0)
        wheel_set(c->opts->wheel, &c->deadline, c->statement_ms + CONN_OVERTIME_MS);
    (void)pg_conn_flush(c);
    return true;
}

static bool is_known(const struct pg_conn *c, const PGresult *res)
{
    return res == NULL || PQntuples(res) == 0 || user_types_know(known(c), res);
}

static bool all_known(const struct pg_conn *c)
{
    bool all = is_known(c, c->result);

    for (unsigned i = 0; all && i < conn_batch_count(c); i++)
        all = is_known(c, conn_batch_result(c, i));
    return all;
}

bool conn_types_ask(struct pg_conn *c)
{
    return can_ask(c) && !all_known(c) && send_query(c);
}

bool conn_types_ask_first(struct pg_conn *c)
{
    return can_ask(c) && !known(c)->loaded && send_query(c);
}

/* What was met and is no array is not asked for again. */
static void learn_others(struct pg_conn *c, const PGresult *res)
{
    for (int i = 0; res && i < PQnfields(res); i++) {
        Oid oid = PQftype(res, i);
        if (oid >= USER_TYPES_MIN && user_types_find(known(c), oid) == NULL)
            user_types_put(known(c), oid, 0);
    }
}

static void over(struct pg_conn *c)
{
    c->step = STEP_NONE;
    learn_others(c, c->result);
    for (unsigned i = 0; i < conn_batch_count(c); i++)
        learn_others(c, conn_batch_result(c, i));
    if (c->stream.on_part && c->stop == STOP_NONE)
        conn_stream_send(c);
    else
        pg_conn_finish(c);
}

void conn_types_read(struct pg_conn *c)
{
    while (!PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL && PQstatus(c->pq) != CONNECTION_OK) {
            pg_conn_break(c, PQerrorMessage(c->pq));
            return;
        }
        if (res == NULL) {
            over(c);
            return;
        }
        if (PQresultStatus(res) == PGRES_TUPLES_OK)
            user_types_learn(known(c), res);
        else
            log_note(LOG_WARN, "pool", "the types of the database cannot be read", "error", PQresultErrorMessage(res));
        PQclear(res);
    }
}
