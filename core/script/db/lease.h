#ifndef SCRIPT_DB_LEASE_H
#define SCRIPT_DB_LEASE_H
/* A connection that belongs to one task for a while: db.session, and db.tx, which is a transaction on it. Inside each
 * other they share the connection, and a transaction inside another is a savepoint. */
#include "script/db/pin.h"

enum lease_kind { LEASE_SESSION, LEASE_TX, LEASE_SAVEPOINT };

struct db_lease {
    struct db_state *db;
    struct db_task *owner;
    lua_State *co;           /* that began it; its user value 2 */
    struct db_lease *parent; /* the one around it; NULL: this one borrowed the connection */
    struct db_flow *flow;    /* borrowed: of an outermost one, what has its connection; NULL: nothing has */
    struct pg_conn *conn;    /* NULL until it is there */
    enum lease_kind kind;
    unsigned depth; /* 0: no transaction; 1: a transaction; from 2 on: savepoint neap_<depth> */
    bool pinned;    /* its connection is the specs' own */
    bool open;      /* begun, not ended */
    bool ended;     /* its function is through while an inner one is open, in another coroutine */
    bool broken;    /* an inner one could not be rolled back: nothing may be committed any more */
    bool cancelled;
    lua_Integer timeout_ms; /* of its statements; -1: the default */
    struct task *task;      /* while it waits */
    struct pool_wait wait;
    struct db_turn turn;
    struct pg_error *err; /* owned; of the wait */
    char where[WHERE_MAX];
    uint64_t began_us; /* that SQL */
    char sql[192];     /* that begins or ends it */
};

struct db_lease *db_lease_root(struct db_lease *l);
extern const char db_lease_key[]; /* of the registry */

enum lease_end { LEASE_COMMITTED, LEASE_ABORTED, LEASE_LEAKED };

/* The connection goes back when this one borrowed it. The lease must not be on its task's list any more. */
void db_lease_give_back(struct db_lease *l, enum lease_end how);
void db_lease_run(struct db_lease *l, pg_result_fn fn);                    /* l->sql */
void db_lease_ran(struct db_lease *l);                                     /* its answer is there */
void db_lease_keep_error(struct db_lease *l, const struct pg_error *err);  /* NULL is fine */
int db_lease_raise(lua_State *L, struct db_lease *l, const char *outcome); /* what was kept */
#endif
