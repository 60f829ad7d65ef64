#ifndef PG_RESULT_USER_TYPES_H
#define PG_RESULT_USER_TYPES_H
/* Which of the types that a database has of its own are arrays, and of what. Their numbers differ from one database to the
 * next, so a connection asks when it meets one that is not known yet (conn_types.c). What is known stays: a number is not
 * given twice while anything uses it. */
#include <libpq-fe.h>
#include <stdbool.h>

enum { USER_TYPES_MIN = 16384 /* FirstNormalObjectId of Postgres */ };

struct user_type {
    Oid oid;     /* 0: an empty place */
    Oid element; /* 0: it is no array; of a domain, what is below it */
};

struct user_types {         /* of one pool; all zero is an empty one */
    struct user_type *list; /* owned; open addressing */
    unsigned n, cap;
    bool loaded; /* what there was when somebody asked is known */
};

const struct user_type *user_types_find(const struct user_types *ut, Oid oid); /* NULL: not known */
void user_types_put(struct user_types *ut, Oid oid, Oid element);
bool user_types_know(const struct user_types *ut, const PGresult *res); /* all of its columns */
/* res: rows of oid and element, as the query of conn_types.c gives them. */
void user_types_learn(struct user_types *ut, const PGresult *res);
void user_types_free(struct user_types *ut);
#endif
