#ifndef PG_READS_H
#define PG_READS_H
/* Several reads of one caller, sent together on connections that it shares with others (pg/lane.h). One text with many sets
 * of parameters is kept once. Each may fail alone; those that turn out to belong elsewhere go there. */
#include "pg/pool.h"

struct reads;

struct reads *reads_new(struct pool *p, unsigned n); /* room for so many, at least one */
/* Copies it. False: it is not one for a shared connection, now; what was added so far is to be freed. */
bool reads_add(struct reads *r, const struct pg_statement *st);
/* All that were added. fn is called once, when the last one is answered, never from inside this call. */
void reads_send(struct reads *r, void (*fn)(void *arg), void *arg);
/* At any time. What still runs is cancelled where nobody else can be hit, else its answer is dropped; fn is not called. */
void reads_free(struct reads *r); /* NULL is fine */

/* ---- from fn on ---- */
struct pg_result *reads_take(struct reads *r, unsigned i); /* taken; NULL: it failed */
uint64_t reads_us(const struct reads *r, unsigned i);      /* from reads_send to its answer */
/* Of the first one that failed, and which that is; NULL: none did. */
const struct pg_error *reads_error(const struct reads *r, unsigned *i);
#endif
