#ifndef SCRIPT_DB_PIN_H
#define SCRIPT_DB_PIN_H
/* The one connection that specs share while the process is pinned to it. */
#include "script/db/db.h"

/* Whoever uses the pinned connection waits for its turn; in the line, they are served in order. */
struct db_turn {
    struct list link;
    struct db_pin *pin;
    struct wheel_timer deadline;
    void (*fn)(struct db_turn *t, const struct pg_error *err); /* the turn has come (NULL), or never will */
    void *arg;
    struct statement_copy copy;
};
/* True: it is our turn. False: fn will be called. */
bool db_turn_take(struct db_pin *pin, struct db_turn *t, void (*fn)(struct db_turn *, const struct pg_error *), void *arg);
void db_turn_leave(struct db_turn *t); /* out of the line, before its turn */
void db_turn_end(struct db_turn *t);   /* the next one's turn */
/* Rolls back to the savepoint first. t is not needed any more from now on. */
void db_turn_roll_back(struct db_turn *t);
void db_turn_free(struct db_turn *t);                  /* of one that was allocated */
struct pg_conn *db_pin_conn(const struct db_pin *pin); /* NULL: pin() still waits for it */
#endif
