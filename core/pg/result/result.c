#include "pg/result/result.h"
#include "base/mem.h"
#include "pg/result/binary.h"
#include "pg/result/cell.h"
#include "pg/result/shape.h"
#include <limits.h>
#include <stdlib.h>

enum {
    SMALL_CELLS_MAX = 64,
    SMALL_BYTES_MAX = 1024, /* of values */
};

/* False when they are too long for a copy. */
static bool measure(PGresult *res, int rows, int columns, struct small_text *texts, size_t *bytes)
{
    size_t used = 0;

    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < columns; i++) {
            size_t n = (size_t)PQgetlength(res, row, i);
            if (n > SMALL_BYTES_MAX || used + n + 1 > SMALL_BYTES_MAX)
                return false;
            *texts++ = (struct small_text){used, (uint32_t)n, n == 0 && PQgetisnull(res, row, i)};
            used += n + 1;
        }
    }
    *bytes = used;
    return true;
}

static struct pg_result *copy_small(PGresult *res, int rows, int columns)
{
    struct small_text texts[SMALL_CELLS_MAX];
    size_t cells = (size_t)rows * (size_t)columns, bytes;
    struct pg_result *r;

    if (!measure(res, rows, columns, texts, &bytes))
        return NULL;
    size_t size = sizeof *r + cells * sizeof *texts + bytes;
    r = mem_alloc(size);
    char *to = (char *)(r + 1) + cells * sizeof *texts;
    memcpy(r + 1, texts, cells * sizeof *texts);
    *r = (struct pg_result){.size = size, .texts = (const struct small_text *)(r + 1), .bytes = to};
    const struct small_text *t = r->texts;
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < columns; i++, t++) /* with its NUL */
            memcpy(to + t->at, PQgetvalue(res, row, i), t->n + (size_t)1);
    return r;
}

static struct pg_result *wrap(PGresult *res)
{
    struct pg_result *r = mem_alloc(sizeof *r);

    *r = (struct pg_result){.res = res, .binary = PQbinaryTuples(res) != 0};
    return r;
}

bool pg_result_is_readable(const PGresult *res)
{
    for (int i = 0; PQbinaryTuples(res) && i < PQnfields(res); i++)
        if (!binary_reads(PQftype(res, i)))
            return false;
    return true;
}

bool pg_result_suits_binary(const struct pg_result *r)
{
    return r->res && !r->binary && r->shape->suits_binary;
}

/* SELECT says how many rows it brought, but for CREATE TABLE AS, whose tag is the same. Of others libpq reads it from the
 * tag: "" where that says nothing. */
static int64_t affected_of(PGresult *res, int rows)
{
    bool brings = PQnfields(res) > 0 && strncmp(PQcmdStatus(res), "SELECT", 6) == 0;

    return brings ? rows : strtoll(PQcmdTuples(res), NULL, 10);
}

struct pg_result *pg_result_new(PGresult *taken, struct shape_cache *shapes, uint64_t statement)
{
    int rows = PQntuples(taken), columns = PQnfields(taken);
    bool few = columns <= SMALL_CELLS_MAX && rows <= SMALL_CELLS_MAX && rows * columns <= SMALL_CELLS_MAX;
    struct pg_result *r = few && !PQbinaryTuples(taken) ? copy_small(taken, rows, columns) : NULL;

    if (r == NULL)
        r = wrap(taken);
    r->shape = shape_of(shapes, statement, taken);
    r->rows = rows;
    r->columns = columns;
    r->affected = affected_of(taken, rows);
    if (r->res == NULL)
        PQclear(taken);
    else if (few && r->binary)
        result_make_texts(r);
    return r;
}

static bool have_same_columns(const struct pg_shape *a, const struct pg_shape *b)
{
    bool same = a == b || a->columns == b->columns;

    for (int i = 0; a != b && same && i < a->columns; i++)
        same = a->column[i].oid == b->column[i].oid && slice_eq(a->column[i].name, b->column[i].name);
    return same;
}

struct pg_result *pg_result_concat(struct pg_result *const *parts, unsigned n)
{
    size_t rows = 0, columns = (size_t)parts[0]->columns, bytes = 0, used = 0;

    for (unsigned i = 0; i < n; i++) {
        if (!have_same_columns(parts[0]->shape, parts[i]->shape))
            return NULL;
        rows += (size_t)parts[i]->rows;
        for (int row = 0; row < parts[i]->rows; row++)
            for (int c = 0; c < parts[i]->columns; c++)
                bytes += pg_result_text(parts[i], row, c).n + 1;
    }
    if (rows > INT_MAX)
        return NULL;
    size_t size = sizeof(struct pg_result) + rows * columns * sizeof(struct small_text) + bytes;
    struct pg_result *r = mem_alloc(size);
    struct small_text *t = (struct small_text *)(r + 1);
    char *to = (char *)(t + rows * columns);
    *r = (struct pg_result){.shape = parts[0]->shape, .rows = (int)rows, .columns = (int)columns, .size = size};
    r->shape->refs++;
    r->texts = t;
    r->bytes = to;
    for (unsigned i = 0; i < n; i++) {
        r->affected += parts[i]->affected;
        for (int row = 0; row < parts[i]->rows; row++) {
            for (int c = 0; c < parts[i]->columns; c++) {
                struct slice text = pg_result_text(parts[i], row, c);
                *t++ = (struct small_text){used, (uint32_t)text.n, pg_result_is_null(parts[i], row, c)};
                memcpy(to + used, text.p, text.n);
                to[used + text.n] = '\0';
                used += text.n + 1;
            }
        }
    }
    return r;
}

void pg_result_free(struct pg_result *r)
{
    if (r == NULL)
        return;
    PQclear(r->res);
    shape_unref(r->shape);
    free(r->made);
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

struct pg_shape *pg_result_shape(const struct pg_result *r)
{
    return r->shape;
}

struct slice pg_result_name(const struct pg_result *r, int column)
{
    return r->shape->column[column].name;
}

enum pg_type pg_result_type(const struct pg_result *r, int column)
{
    return r->shape->column[column].type;
}

enum pg_type pg_result_element_type(const struct pg_result *r, int column)
{
    return r->shape->column[column].element;
}

bool pg_result_is_null(const struct pg_result *r, int row, int column)
{
    return r->res ? PQgetisnull(r->res, row, column) != 0 : result_small(r, row, column)->is_null;
}

struct slice pg_result_text(const struct pg_result *r, int row, int column)
{
    struct slice text;

    result_cell(r, row, column, &text);
    return text;
}

bool pg_result_is_binary(const struct pg_result *r)
{
    return r->binary;
}

bool pg_result_binary(const struct pg_result *r, int row, int column, struct slice *cell, Oid *oid)
{
    *oid = r->shape->column[column].oid;
    return result_raw(r, row, column, cell);
}

int64_t pg_result_affected(const struct pg_result *r)
{
    return r->affected;
}

size_t pg_result_bytes(const struct pg_result *r)
{
    return r->res ? PQresultMemorySize(r->res) : r->size;
}

size_t pg_result_largest_row(const struct pg_result *r)
{
    size_t largest = 0;

    for (int row = 0; row < r->rows; row++) {
        size_t n = 0;
        for (int column = 0; column < r->columns; column++)
            n += r->res ? (size_t)PQgetlength(r->res, row, column) : result_small(r, row, column)->n;
        largest = n > largest ? n : largest;
    }
    return largest;
}
