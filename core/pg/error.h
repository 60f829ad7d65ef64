#ifndef PG_ERROR_H
#define PG_ERROR_H
/* What can go wrong between a statement and its rows. */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

enum pg_error_kind {
    PG_OK = 0,
    PG_SERVER,      /* Postgres refused the statement: sqlstate and message are set */
    PG_UNAVAILABLE, /* no connection can be made now; nothing was sent */
    PG_LINE_FULL,   /* the waiting line is at its limit; nothing was sent */
    PG_WAITED,      /* the line's deadline passed; nothing was sent */
    PG_LOST,        /* the connection died after the statement was sent: its outcome is unknown */
    PG_TIMED_OUT,   /* the statement's deadline passed; it was cancelled */
    PG_CANCELLED,   /* cancelled by us, on request */
    PG_BAD_PARAM,   /* a parameter that cannot be sent: NUL in a text, too many; nothing was sent */
};

/* Texts that are too long are cut. Identifiers are at most 63 bytes in Postgres. */
struct pg_error {
    enum pg_error_kind kind;
    char sqlstate[6];
    char message[512];
    char detail[512]; /* may hold row values: for the log, never for the client */
    char hint[256];
    char context[256]; /* where it happened: "COPY users, line 3, column email: ..."; may hold row values */
    char constraint[64], table[64], column[64];
    int line;     /* of the data of a COPY, from 1; 0: not told */
    int position; /* in the statement's text, in characters from 1; 0: not told */
};

const char *pg_error_kind_name(enum pg_error_kind kind); /* "server", "line_full", ... */
void pg_error_set(struct pg_error *err, enum pg_error_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct pg_error *pg_error_copy(const struct pg_error *err);           /* the caller's to free() */
void pg_error_from_result(struct pg_error *err, const PGresult *res); /* kind is PG_SERVER; texts are cut to fit */
void pg_error_trim(char *text);                                       /* to one line */
bool pg_result_is_error(const PGresult *res);                         /* NULL too, as libpq has it */
bool pg_result_has_sqlstate(const PGresult *res, const char *sqlstate);
bool pg_result_is_copy(const PGresult *res);         /* a COPY from or to us has begun */
bool pg_result_wants_preparing(const PGresult *res); /* of a prepared statement: it is lost, or its plan is of no more use */
bool pg_result_is_stale(const PGresult *res);        /* a table has changed under a plan */
bool pg_result_is_fatal(const PGresult *res);        /* the server ends the session with this error */
/* Of two results of one statement: the later one counts, but an error counts more, since nothing runs after it. The other
 * is freed. */
PGresult *pg_result_of_both(PGresult *earlier, PGresult *later);
#endif
