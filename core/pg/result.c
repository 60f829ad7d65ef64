#include "pg/result.h"
#include "base/mem.h"
#include "base/quote.h"
#include <stdlib.h>

enum {
    COLUMNS_INLINE = 16,
    SMALL_CELLS_MAX = 64,
    SMALL_BYTES_MAX = 1024, /* of names and values; offsets are 16 bits wide */
};

struct small_text { /* in `bytes`, with a NUL behind it */
    uint16_t at, n;
    bool is_null;
};

/* libpq takes 2 KiB for the smallest of results, which lives until Lua's collector comes by. Of a small one a copy is kept
 * in its place: the block goes back at once, and the next result gets it while it is in the cache. */
struct pg_result {
    PGresult *res; /* owned; NULL: it is small */
    int rows, columns;
    unsigned char *types; /* enum pg_type of each column: `few`, or owned */
    unsigned char few[COLUMNS_INLINE];
    struct buf keys;  /* of JSON rows: "\"id\":\"name\":", made when the first row is written */
    size_t *key_ends; /* owned; of each column, in `keys` */
    int64_t affected;
    size_t size; /* of this block */
    Oid oids[COLUMNS_INLINE];
    char *bytes;               /* behind the texts */
    struct small_text texts[]; /* the names, then the values row by row */
};

static size_t count_bytes(PGresult *res, int rows, int columns)
{
    size_t n = 0;

    for (int i = 0; i < columns; i++) {
        n += strlen(PQfname(res, i)) + 1;
        for (int row = 0; row < rows; row++)
            n += (size_t)PQgetlength(res, row, i) + 1;
    }
    return n;
}

static void put_text(struct pg_result *r, size_t *used, struct small_text *t, struct slice text, bool is_null)
{
    *t = (struct small_text){(uint16_t)*used, (uint16_t)text.n, is_null};
    if (text.n > 0)
        memcpy(r->bytes + *used, text.p, text.n);
    r->bytes[*used + text.n] = '\0';
    *used += text.n + 1;
}

static struct pg_result *copy_small(PGresult *res, int rows, int columns, size_t bytes)
{
    size_t texts = (size_t)columns * ((size_t)rows + 1), used = 0;
    size_t size = sizeof(struct pg_result) + texts * sizeof(struct small_text) + bytes;
    struct pg_result *r = mem_alloc(size);
    struct small_text *t = r->texts;

    *r = (struct pg_result){.size = size};
    r->bytes = (char *)(r->texts + texts);
    r->affected = strtoll(PQcmdTuples(res), NULL, 10);
    for (int i = 0; i < columns; i++) {
        r->oids[i] = PQftype(res, i);
        put_text(r, &used, t++, slice_str(PQfname(res, i)), false);
    }
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < columns; i++)
            put_text(r, &used, t++, slice_of(PQgetvalue(res, row, i), (size_t)PQgetlength(res, row, i)),
                     PQgetisnull(res, row, i) != 0);
    PQclear(res);
    return r;
}

static struct pg_result *wrap(PGresult *res)
{
    struct pg_result *r = mem_alloc(sizeof *r);

    *r = (struct pg_result){.res = res};
    r->affected = strtoll(PQcmdTuples(res), NULL, 10); /* "" where the command says nothing */
    return r;
}

struct pg_result *pg_result_new(PGresult *taken)
{
    int rows = PQntuples(taken), columns = PQnfields(taken);
    bool few = columns <= COLUMNS_INLINE && rows <= SMALL_CELLS_MAX && rows * columns <= SMALL_CELLS_MAX;
    size_t bytes = few ? count_bytes(taken, rows, columns) : SIZE_MAX;
    struct pg_result *r = bytes <= SMALL_BYTES_MAX ? copy_small(taken, rows, columns, bytes) : wrap(taken);

    r->rows = rows;
    r->columns = columns;
    r->types = columns > COLUMNS_INLINE ? mem_alloc((size_t)columns) : r->few;
    for (int i = 0; i < columns; i++)
        r->types[i] = (unsigned char)pg_type_of(pg_result_oid(r, i));
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

static const struct small_text *small_cell(const struct pg_result *r, int row, int column)
{
    return &r->texts[(row + 1) * r->columns + column];
}

static struct slice small_slice(const struct pg_result *r, const struct small_text *t)
{
    return slice_of(r->bytes + t->at, t->n);
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
    return r->res ? slice_str(PQfname(r->res, column)) : small_slice(r, &r->texts[column]);
}

enum pg_type pg_result_type(const struct pg_result *r, int column)
{
    return r->types[column];
}

Oid pg_result_oid(const struct pg_result *r, int column)
{
    return r->res ? PQftype(r->res, column) : r->oids[column];
}

bool pg_result_is_null(const struct pg_result *r, int row, int column)
{
    return r->res ? PQgetisnull(r->res, row, column) != 0 : small_cell(r, row, column)->is_null;
}

struct slice pg_result_text(const struct pg_result *r, int row, int column)
{
    if (r->res == NULL)
        return small_slice(r, small_cell(r, row, column));
    return slice_of(PQgetvalue(r->res, row, column), (size_t)PQgetlength(r->res, row, column));
}

int64_t pg_result_affected(const struct pg_result *r)
{
    return r->affected;
}

size_t pg_result_bytes(const struct pg_result *r)
{
    return r->res ? PQresultMemorySize(r->res) : r->size;
}

static bool comes_again(const struct pg_result *r, int column)
{
    for (int i = column + 1; i < r->columns; i++)
        if (slice_eq(pg_result_name(r, i), pg_result_name(r, column)))
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
            n += pg_result_text(r, row, column).n;
        largest = n > largest ? n : largest;
    }
    return largest;
}
