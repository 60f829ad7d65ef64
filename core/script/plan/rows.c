#include "base/mem.h"
#include "pg/result/shape.h"
#include "plan/json.h"
#include "script/plan/encode.h"
#include <stdlib.h>
#include <string.h>

/* Whether what Postgres sends for this type can be what the plan declares, without looking at each value. */
static bool fits(enum pg_type type, const struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_ANY:
        return true;
    case PLAN_BOOLEAN:
        return type == PG_BOOL;
    case PLAN_INTEGER:
        return type == PG_INT;
    case PLAN_NUMBER:
        return type == PG_INT || type == PG_FLOAT || type == PG_NUMERIC;
    case PLAN_DECIMAL:
        return type == PG_NUMERIC || type == PG_INT;
    case PLAN_DATETIME:
        return type == PG_TIMESTAMPTZ;
    case PLAN_DATE:
        return type == PG_DATE;
    case PLAN_STRING:
        return type == PG_TEXT || type == PG_UUID || type == PG_BYTEA || type == PG_TIMESTAMP;
    case PLAN_UUID:
        return type == PG_UUID || type == PG_TEXT;
    case PLAN_ARRAY:
        return type == PG_ARRAY || type == PG_JSON;
    case PLAN_OBJECT:
    case PLAN_MAP:
    case PLAN_UNION:
        return type == PG_JSON;
    default:
        return type == PG_TEXT;
    }
}

/* Of several columns with one name the last counts, as in the JSON of rows without a schema. */
static int column_named(const struct pg_result *res, struct slice name)
{
    for (int c = pg_result_columns(res) - 1; c >= 0; c--)
        if (slice_eq(pg_result_name(res, c), name))
            return c;
    return -1;
}

static int map_anew(const struct pg_result *res, const struct plan_node *row, int *columns, char err[static ERR_MAX])
{
    for (uint32_t f = 0; f < row->object.n; f++) {
        const struct plan_field *field = &row->object.fields[f];
        int c = column_named(res, field->name);
        if (c < 0 && !field->node->optional)
            return fail(err, "%.*s: the query has no such column", (int)field->name.n, field->name.p);
        if (c >= 0 && !fits(pg_result_type(res, c), field->node))
            return fail(err, "%.*s: the column's type is not the schema's (%s)", (int)field->name.n, field->name.p,
                        plan_kind_names[field->node->kind]);
        columns[f] = c;
    }
    return 0;
}

/* The results of a statement have one shape, and most are written by one plan. */
static const int *map_columns(const struct pg_result *res, const struct plan_node *row, char err[static ERR_MAX])
{
    struct pg_shape *shape = pg_result_shape(res);
    if (shape->map_owner == row->id)
        return shape->map;
    int *map = mem_alloc((row->object.n + 1) * sizeof *map);
    if (map_anew(res, row, map, err) != 0) {
        free(map);
        return NULL;
    }
    free(shape->map);
    shape->map = map;
    shape->map_owner = row->id;
    return map;
}

/* NaN and the infinities: JSON has no such number. */
static bool is_finite(struct slice text)
{
    char last = text.n > 0 ? text.p[text.n - 1] : 'N';
    return last >= '0' && last <= '9';
}

/* A float is written as it is without a schema, a numeric as the number that it is not there. */
static bool write_number(const struct pg_result *res, int row, int column, struct buf *out)
{
    if (pg_result_type(res, column) == PG_INT)
        return pg_result_write_cell(res, row, column, out);
    if (pg_result_is_null(res, row, column) || !is_finite(pg_result_text(res, row, column)))
        return false;
    if (pg_result_type(res, column) != PG_NUMERIC)
        return pg_result_write_cell(res, row, column, out);
    buf_slice(out, pg_result_text(res, row, column));
    return true;
}

static bool write_int_as_decimal(const struct pg_result *res, int row, int column, struct buf *out)
{
    if (pg_result_is_null(res, row, column))
        return false;
    buf_char(out, '"');
    (void)pg_result_write_cell(res, row, column, out);
    buf_char(out, '"');
    return true;
}

/* False when it is NULL, or no number where one is declared: then nothing is written. */
static bool write_cell(const struct pg_result *res, int row, int column, const struct plan_node *node, struct buf *out)
{
    if (node->kind == PLAN_NUMBER)
        return write_number(res, row, column, out);
    if (node->kind == PLAN_DECIMAL && pg_result_type(res, column) == PG_INT)
        return write_int_as_decimal(res, row, column, out);
    return pg_result_write_cell(res, row, column, out);
}

static int write_row(const struct pg_result *res, int row, const struct plan_node *plan, const int *columns, struct buf *out,
                     char err[static ERR_MAX])
{
    char before = '{';
    for (uint32_t f = 0; f < plan->object.n; f++) {
        const struct plan_field *field = &plan->object.fields[f];
        if (columns[f] < 0)
            continue;
        size_t start = out->n;
        buf_char(out, before);
        buf_slice(out, field->key);
        if (!write_cell(res, row, columns[f], field->node, out)) {
            if (field->node->nullable) {
                buf_lit(out, "null");
            } else if (field->node->optional) {
                out->n = start;
                continue;
            } else {
                return fail(err, "%.*s: is null in row %d", (int)field->name.n, field->name.p, row + 1);
            }
        }
        before = ',';
    }
    if (before == '{')
        buf_char(out, '{');
    buf_char(out, '}');
    return 0;
}

int plan_encode_rows(const struct pg_result *res, const struct plan_node *row, bool one, struct buf *out,
                     char err[static ERR_MAX])
{
    size_t start = out->n;
    int rows = pg_result_rows(res);
    if (row->kind != PLAN_OBJECT)
        return fail(err, "rows are written by an object's schema");
    const int *columns = map_columns(res, row, err);
    if (columns == NULL)
        return -1;
    if (!one)
        buf_char(out, '[');
    for (int i = 0; i < (one ? 1 : rows); i++) {
        if (i > 0)
            buf_char(out, ',');
        if (write_row(res, i, row, columns, out, err) != 0) {
            out->n = start;
            return -1;
        }
    }
    if (!one)
        buf_char(out, ']');
    return 0;
}
