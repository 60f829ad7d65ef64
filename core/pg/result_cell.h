#ifndef PG_RESULT_CELL_H
#define PG_RESULT_CELL_H
/* How a result lies in memory, for those of pg/ that read every cell of it. */
#include "pg/result.h"

struct small_text { /* in `bytes`, with a NUL behind it */
    size_t at;
    uint32_t n;
    bool is_null;
};

/* libpq takes 2 KiB for the smallest of results, which lives until Lua's collector comes by. Of a small one a copy is kept
 * in its place: the block goes back at once, and the next result gets it while it is in the cache. What was put together
 * of several results is a copy too. */
struct pg_result {
    PGresult *res;          /* owned; NULL: it is small */
    struct pg_shape *shape; /* counted */
    int rows, columns;
    int64_t affected;
    size_t size;               /* of this block */
    char *bytes;               /* behind the texts */
    struct small_text texts[]; /* row by row */
};

static inline const struct small_text *result_small(const struct pg_result *r, int row, int column)
{
    return &r->texts[row * r->columns + column];
}

/* The text as Postgres wrote it; false: NULL, and the text is empty. */
static inline bool result_cell(const struct pg_result *r, int row, int column, struct slice *text)
{
    if (r->res == NULL) {
        const struct small_text *t = result_small(r, row, column);
        *text = slice_of(r->bytes + t->at, t->n);
        return !t->is_null;
    }
    *text = slice_of(PQgetvalue(r->res, row, column), (size_t)PQgetlength(r->res, row, column));
    return text->n > 0 || !PQgetisnull(r->res, row, column);
}
#endif
