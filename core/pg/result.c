#include "pg/result.h"
#include "base/mem.h"
#include "base/quote.h"
#include <stdlib.h>

enum { COLUMNS_INLINE = 16 };

struct pg_result {
    PGresult *res; /* owned */
    int rows, columns;
    unsigned char *types; /* enum pg_type of each column: `few`, or owned */
    unsigned char few[COLUMNS_INLINE];
    struct buf keys;  /* of JSON rows: "\"id\":\"name\":", made when the first row is written */
    size_t *key_ends; /* owned; of each column, in `keys` */
};

struct pg_result *pg_result_new(PGresult *taken)
{
    struct pg_result *r = mem_alloc(sizeof *r);

    *r = (struct pg_result){.res = taken};
    r->rows = PQntuples(taken);
    r->columns = PQnfields(taken);
    r->types = r->columns > COLUMNS_INLINE ? mem_alloc((size_t)r->columns) : r->few;
    for (int i = 0; i < r->columns; i++)
        r->types[i] = (unsigned char)pg_type_of(PQftype(taken, i));
    return r;
}

void pg_result_free(struct pg_result *r)
{
    if (r == NULL)
        return;
    PQclear(r->res);
    buf_free(&r->keys);
    free(r->key_ends);
    if (r->types != r->few)
        free(r->types);
    free(r);
}

int pg_result_rows(const struct pg_result *r)
{
    return r->rows;
}

int pg_result_columns(const struct pg_result *r)
{
    return r->columns;
}

struct slice pg_result_name(const struct pg_result *r, int column)
{
    return slice_str(PQfname(r->res, column));
}

enum pg_type pg_result_type(const struct pg_result *r, int column)
{
    return r->types[column];
}

Oid pg_result_oid(const struct pg_result *r, int column)
{
    return PQftype(r->res, column);
}

bool pg_result_is_null(const struct pg_result *r, int row, int column)
{
    return PQgetisnull(r->res, row, column) != 0;
}

struct slice pg_result_text(const struct pg_result *r, int row, int column)
{
    return slice_of(PQgetvalue(r->res, row, column), (size_t)PQgetlength(r->res, row, column));
}

int64_t pg_result_affected(const struct pg_result *r)
{
    return strtoll(PQcmdTuples(r->res), NULL, 10); /* "" where the command says nothing */
}

size_t pg_result_bytes(const struct pg_result *r)
{
    return PQresultMemorySize(r->res);
}

static bool comes_again(const struct pg_result *r, int column)
{
    for (int i = column + 1; i < r->columns; i++)
        if (strcmp(PQfname(r->res, i), PQfname(r->res, column)) == 0)
            return true;
    return false;
}

static void make_keys(struct pg_result *r)
{
    r->key_ends = mem_alloc(((size_t)r->columns + 1) * sizeof *r->key_ends);
    for (int i = 0; i < r->columns; i++) {
        if (!comes_again(r, i)) {
            quote_json(&r->keys, pg_result_name(r, i));
            buf_char(&r->keys, ':');
        }
        r->key_ends[i] = r->keys.n;
    }
}

struct slice pg_result_json_key(struct pg_result *r, int column)
{
    if (r->key_ends == NULL)
        make_keys(r);
    size_t start = column > 0 ? r->key_ends[column - 1] : 0;
    return slice_of(r->keys.p + start, r->key_ends[column] - start);
}

size_t pg_result_largest_row(const struct pg_result *r)
{
    size_t largest = 0;

    for (int row = 0; row < r->rows; row++) {
        size_t n = 0;
        for (int column = 0; column < r->columns; column++)
            n += (size_t)PQgetlength(r->res, row, column);
        largest = n > largest ? n : largest;
    }
    return largest;
}
