#ifndef PG_CANCEL_H
#define PG_CANCEL_H
/* Cancel requests. libpq's PQcancel opens a connection of its own and blocks, so it runs on libuv's thread pool; at most
 * two at a time, because against a frozen server each holds its thread until the server wakes, and others need them. */
#include "base/wheel.h"
#include <uv.h>

enum { CANCELS_RUNNING_MAX = 2 };

struct pg_conn;
struct cancel_job;
struct cancel_gate {
    struct list line; /* jobs that wait for a thread */
    unsigned running;
};

void cancel_gate_init(struct cancel_gate *g);
/* Sets c->cancel, and NULL again when the request is through: from then on it can no longer hit another statement.
 * pg_conn_finish is called then if the statement's answer came meanwhile. */
void cancel_start(struct pg_conn *c);
void cancel_on_again(struct wheel_timer *t); /* of c->cancel_again */
/* The answer is there: a request that has not begun is dropped. False when it is under way. */
bool cancel_drop(struct pg_conn *c);
#endif
