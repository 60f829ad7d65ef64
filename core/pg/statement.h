#ifndef PG_STATEMENT_H
#define PG_STATEMENT_H
/* What one connection knows of statements: the texts it has prepared, newest use first, and those it has seen once.
 *
 * A text is prepared at its second use: the first costs one round trip instead of two, and a statement that is pasted
 * together and never comes back does not push out those that do. A text that falls out of the cache is only noted; the
 * connection deallocates them together when it is given back. */
#include "base/list.h"
#include "pg/pool.h"

enum {
    STATEMENTS_MAX = 256,      /* prepared on one connection; Postgres keeps 10 to 100 KiB for each */
    STATEMENT_SQL_MAX = 16384, /* longer texts are not worth a place */
    DISCARDED_DUE = 16,        /* so many discarded ones are worth a round trip */
    DISCARDED_MAX = 64,        /* so many keep new ones from being prepared */
};

struct prepared {
    struct list by_use;
    struct prepared *next; /* in its bucket */
    uint64_t hash;
    unsigned number; /* its name is "s<number>" */
    bool touches;    /* the session; see session.h */
    bool binary;     /* its rows are asked for in that format; if their types change, the server refuses (0A000), mostly */
    size_t n;
    char sql[]; /* n bytes and a NUL */
};

struct statement_cache {
    struct prepared *buckets[STATEMENTS_MAX];
    uint64_t seen[STATEMENTS_MAX]; /* hashes of texts that came by, one to a place */
    struct list by_use;
    unsigned count, last_number;
    struct buf discarded; /* "DEALLOCATE s1;DEALLOCATE s7;" */
    unsigned discarded_count;
};

enum { STATEMENT_NAME_MAX = 16 };

uint64_t statement_hash(struct slice sql); /* never 0 */

void statement_cache_init(struct statement_cache *sc);
void statement_cache_free(struct statement_cache *sc);
/* hash is that of sql, here and below. NULL; a hit becomes the newest. */
struct prepared *statement_find(struct statement_cache *sc, struct slice sql, uint64_t hash);
/* Whether it came by before and there is room: then it should be prepared. */
bool statement_is_worth(struct statement_cache *sc, struct slice sql, uint64_t hash);
/* After it was prepared under its number. */
struct prepared *statement_add(struct statement_cache *sc, struct slice sql, uint64_t hash);
unsigned statement_next_number(const struct statement_cache *sc);
void statement_name(char out[static STATEMENT_NAME_MAX], unsigned number);
void statement_discard_all(struct statement_cache *sc);
void statement_forget(struct statement_cache *sc, struct prepared *p); /* the server does not know it any more */
void statement_discarded_done(struct statement_cache *sc);

/* A statement with everything it points to, in one block that is used again. */
struct statement_copy {
    struct pg_statement st;
    char *block; /* owned */
    size_t cap;
};
/* Its parameters alone, to room of that size, aligned for pointers. */
size_t statement_values_size(const struct pg_statement *st);
void statement_copy_values(struct pg_statement *to, const struct pg_statement *st, char *room);
void statement_copy_set(struct statement_copy *copy, const struct pg_statement *st);
void statement_copy_free(struct statement_copy *copy);
uint64_t statement_hash_of(const struct pg_statement *st); /* computed when it is not there */
size_t statement_bytes(const struct pg_statement *st);     /* of the text and the parameters */
/* Null, or what is wrong with the parameters. */
const char *statement_fault(const struct pg_statement *st);
const char *statement_values_fault(const struct pg_statement *st); /* likewise, its text is known to be fine */
#endif
