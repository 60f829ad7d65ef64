/* After a failover a session may go on with a server that is no primary any more, behind a name or a pooler that moved, or
 * with one that was demoted in place. All connections of that time are then of no use for writes. */
#include "pg/conn.h"
#include <string.h>

enum { READ_ONLY_AGAIN_MS = 1000 };

static bool is_on(const struct pg_conn *c, const char *parameter)
{
    const char *value = PQparameterStatus(c->pq, parameter);

    return value && strcmp(value, "on") == 0;
}

/* Servers from 14 on report both. Inside of a transaction nothing else tells READ ONLY that was asked for from READ ONLY
 * that was not; outside, a session that nobody has touched is as the server made it. */
static bool is_the_servers_doing(const struct pg_conn *c)
{
    bool touched = c->touched && c->lane == NULL; /* what a lane sets is not this */

    if (is_on(c, "in_hot_standby") || (!touched && is_on(c, "default_transaction_read_only")))
        return true;
    return !c->was_in_tx && !touched;
}

/* A connection that was made after the last such finding and is no better says that there is nothing better now. */
static bool may_do_better(const struct pg_conn *c)
{
    uint64_t now = uv_now(c->opts->loop), last = c->opts->read_only_ms;

    return !c->opts->standby_wanted && (last == 0 || c->opened_ms <= last || now - last >= READ_ONLY_AGAIN_MS);
}

bool conn_turned_read_only(struct pg_conn *c)
{
    if (c->pq == NULL || !is_the_servers_doing(c) || !may_do_better(c))
        return false;
    if (c->opts->read_only_ms < c->opened_ms || c->opts->read_only_ms == 0) {
        c->opts->read_only_ms = uv_now(c->opts->loop);
        c->events->on_read_only(c);
    }
    c->worn = true;
    return true;
}
