#ifndef SCRIPT_DB_FLOW_H
#define SCRIPT_DB_FLOW_H
/* A statement through which data flows while Lua goes on: db.each, db.copy_in and db.copy_out. It has a connection to
 * itself from its beginning to its end: that of the task's innermost transaction, which then takes no other statement, or
 * one of the pool.
 *
 *     STARTING -> RUNNING -> ENDING -> ENDED
 *
 * In a transaction it stands in a savepoint of its own, so that one that is ended early does not take the transaction with
 * it. The userdata that holds it is created empty; its task keeps a list of those that are open. */
#include "script/db/db.h"

enum { FLOW_SQL = 1 }; /* user value of the userdata: the statement, for its error */

enum flow_state { FLOW_STARTING, FLOW_RUNNING, FLOW_ENDING, FLOW_ENDED };

struct db_flow {
    struct db_state *db;
    struct db_task *owner;  /* borrowed until it is over */
    struct list link;       /* of the owner's open ones */
    struct pg_conn *conn;   /* NULL: not there yet, or given back */
    struct db_lease *lease; /* whose connection it is; NULL: its own */
    enum flow_state state;
    bool savepoint, in_tx;
    const char *what;      /* literal: "db.each" */
    struct pool_wait wait; /* for a connection */
    struct statement_copy copy;
    struct pg_error *err; /* owned; how it ended */
    int64_t affected;     /* likewise */
    struct task *task;    /* in a call that waits; NULL: none does */
    script_push_fn push;
    uint64_t began_us;                /* of that wait */
    bool counted;                     /* among its task's statements */
    void (*start)(struct db_flow *f); /* sends the statement: the connection is there */
};

/* The flow is the beginning of the userdata on top, initialized, its start set; push makes the results. Must
 * be returned. */
void db_flow_init(lua_State *L, struct db_flow *f, const struct pg_statement *st); /* the SQL is at index 1 */
int db_flow_begin(lua_State *L, struct db_flow *f, script_push_fn push);
void db_flow_ready(struct db_flow *f);                                           /* wakes who waits */
void db_flow_end(struct pg_result *res, const struct pg_error *err, void *flow); /* the statement is over: pg_result_fn */
int db_flow_wait(lua_State *L, struct db_flow *f, script_push_fn push);
void db_flow_check_task(lua_State *L, const struct db_flow *f); /* raises in another task than its own */
int db_flow_raise(lua_State *L, struct db_flow *f, int index);  /* how it ended; the userdata's index */
/* Ends it wherever it stands. In a transaction that takes a wait; where none is possible, the transaction can only be rolled
 * back. Must be returned. */
int db_flow_close(lua_State *L, struct db_flow *f);
/* Ends it without a wait: its task is over, its lease is, or it was collected. The lease can only be rolled back then. */
void db_flow_drop(struct db_flow *f);
void db_flow_free(struct db_flow *f); /* likewise, and its memory */
void db_flows_drop(struct db_task *t);
#endif
