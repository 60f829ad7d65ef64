#ifndef PG_RESULT_CELL_H
#define PG_RESULT_CELL_H
/* How a result lies in memory, for those of pg/ that read every cell of it. */
#include "pg/result/result.h"

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
    bool binary;            /* so are the cells of res */
    struct pg_shape *shape; /* counted */
    int rows, columns;
    int64_t affected;
    size_t size; /* of this block, and `made` */
    void *made;  /* owned; texts and bytes of a binary result, when somebody wanted them; else they are in this block */
    const struct small_text *texts; /* row by row */
    const char *bytes;
};

static inline const struct small_text *result_small(const struct pg_result *r, int row, int column)
{
    return &r->texts[row * r->columns + column];
}

/* Postgres' texts in the place of a binary result; what looks at them need not know. */
void result_make_texts(struct pg_result *r);

/* As it came; false: NULL, and the cell is empty. */
static inline bool result_raw(const struct pg_result *r, int row, int column, struct slice *cell)
{
    *cell = slice_of(PQgetvalue(r->res, row, column), (size_t)PQgetlength(r->res, row, column));
    return cell->n > 0 || !PQgetisnull(r->res, row, column);
}

/* The text as Postgres wrote it, or would have; false: NULL, and the text is empty. */
static inline bool result_cell(const struct pg_result *r, int row, int column, struct slice *text)
{
    if (r->binary) /* it stays the same result, however it lies in memory */
        result_make_texts((struct pg_result *)r);
    if (r->res == NULL) {
        const struct small_text *t = result_small(r, row, column);
        *text = slice_of(r->bytes + t->at, t->n);
        return !t->is_null;
    }
    return result_raw(r, row, column, text);
}
#endif
