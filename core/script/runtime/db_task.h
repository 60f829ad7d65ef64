#ifndef SCRIPT_RUNTIME_DB_TASK_H
#define SCRIPT_RUNTIME_DB_TASK_H
/* What one task has to do with the database: embedded in struct task, all zero at its start. The runtime knows no more of
 * it; what is done with it is in script/db. */
#include "base/buf.h"
#include "base/list.h"
#include <stdbool.h>
#include <stdint.h>

struct task;
struct db_lease;
struct db_turn;
struct pg_conn;
struct pg_error;
struct pg_result;
struct pool_query;

/* One statement from its sending to what Lua is told of it. */
struct db_call {
    struct pg_result *res; /* owned; NULL: not there yet, failed, or told */
    struct pg_error *err;  /* owned; NULL: none */
    struct task *task;
    struct pool_query *query; /* while it runs on a connection of the pool's choice */
    struct pg_conn *conn;     /* while it runs on the connection of a lease or pin */
    struct db_turn *turn;     /* owned while it runs on the pinned one */
    int want;                 /* enum db_want */
    bool autocommit;          /* on its own: when its connection is lost, so is the knowledge of what it did */
    bool cancelled, script;
    uint64_t began_us, took_us;
};

struct db_task {
    struct db_lease *top; /* borrowed: the innermost db.tx or db.session that is open */
    struct list flows;    /* of db.each and db.copy_*, that are open; zero before the first one */
    struct db_call call;  /* a task waits for one at a time */
    unsigned statements;
    uint64_t us; /* from sending them to their answers */
};

struct db_task *db_task_of(struct task *t); /* task.c */
/* The task is over: what it still holds is given back, counted and logged as a leak. */
void db_task_end(struct db_task *t);
void db_task_log(const struct db_task *t, struct buf *fields); /* ,"db_ms":1.234,"db_queries":2 for the access line */
#endif
