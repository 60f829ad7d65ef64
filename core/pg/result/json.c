#include "base/number.h"
#include "base/quote.h"
#include "pg/result/binary.h"
#include "pg/result/cell.h"
#include "pg/result/shape.h"

/* As Lua's floats are written, so that a row is the same text whether somebody looked at it or not. Both have the shortest
 * digits; the exponents that Postgres has below 0.0001 and from 1e15 (float4: 1e6) on are another matter. A float stays a
 * float for whoever reads it: "1" becomes "1.0". JSON has no NaN and no infinity. */
static void write_float(struct buf *out, struct slice s)
{
    char last = s.n > 0 ? s.p[s.n - 1] : 'N';
    double v;

    if (last < '0' || last > '9') {
        buf_lit(out, "null");
        return;
    }
    if (memchr(s.p, 'e', s.n) && number_read_double(s, &v) == NUMBER_OK) {
        char *to = buf_reserve(out, NUMBER_TEXT_MAX);
        out->n += number_write_double(to, v);
        return;
    }
    buf_slice(out, s);
    if (!memchr(s.p, '.', s.n))
        buf_lit(out, ".0");
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool pg_decode_bytea(char *out, struct slice text)
{
    if (text.n < 2 || text.p[0] != '\\' || text.p[1] != 'x' || text.n % 2 != 0)
        return false;
    for (size_t i = 2; i < text.n; i += 2) {
        int high = nibble(text.p[i]), low = nibble(text.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *out++ = (char)(high << 4 | low);
    }
    return true;
}

/* RFC 4648 section 4, with padding. */
static void write_base64(struct buf *out, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    buf_reserve(out, (n + 2) / 3 * 4);
    for (size_t i = 0; i < n; i += 3) {
        unsigned bits = (unsigned)p[i] << 16;
        bits |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
        bits |= i + 2 < n ? (unsigned)p[i + 2] : 0;
        buf_char(out, digits[bits >> 18]);
        buf_char(out, digits[bits >> 12 & 63]);
        buf_char(out, i + 1 < n ? digits[bits >> 6 & 63] : '=');
        buf_char(out, i + 2 < n ? digits[bits & 63] : '=');
    }
}

static void write_bytea(struct buf *out, struct slice text)
{
    struct buf bytes = BUF_INIT;
    size_t n = text.n > 2 ? (text.n - 2) / 2 : 0;

    if (!pg_decode_bytea(buf_reserve(&bytes, n + 1), text)) {
        quote_json(out, text);
    } else {
        buf_char(out, '"');
        write_base64(out, (const unsigned char *)bytes.p, n);
        buf_char(out, '"');
    }
    buf_free(&bytes);
}

static void write_time(struct buf *out, struct slice text, bool with_zone)
{
    char *to = buf_reserve(out, 66);
    size_t n = pg_write_timestamp(to + 1, text, with_zone);

    to[0] = to[n + 1] = '"';
    out->n += n + 2;
}

static void write_value(struct buf *out, enum pg_type type, enum pg_type element_type, struct slice text);

static void write_array(struct buf *out, enum pg_type element_type, struct slice text)
{
    struct pg_array_reader r;
    struct slice element;
    bool is_null, is_array, first = true;

    if (!pg_array_begin(&r, text)) {
        quote_json(out, text);
        return;
    }
    buf_char(out, '[');
    while (pg_array_next(&r, &element, &is_null, &is_array)) {
        if (!first)
            buf_char(out, ',');
        first = false;
        if (is_null)
            buf_lit(out, "null");
        else if (is_array) /* six dimensions at most, Postgres' MAXDIM */
            write_array(out, element_type, element);
        else
            write_value(out, element_type, PG_TEXT, element);
    }
    buf_char(out, ']');
    pg_array_end(&r);
}

static void write_value(struct buf *out, enum pg_type type, enum pg_type element_type, struct slice text)
{
    switch (type) {
    case PG_BOOL:
        buf_str(out, text.n > 0 && text.p[0] == 't' ? "true" : "false");
        break;
    case PG_INT:
    case PG_JSON:
        buf_slice(out, text);
        break;
    case PG_FLOAT:
        write_float(out, text);
        break;
    case PG_TIMESTAMPTZ:
    case PG_TIMESTAMP:
        write_time(out, text, type == PG_TIMESTAMPTZ);
        break;
    case PG_BYTEA:
        write_bytea(out, text);
        break;
    case PG_ARRAY:
        write_array(out, element_type, text);
        break;
    case PG_TEXT:
    case PG_NUMERIC:
    case PG_UUID:
    case PG_DATE:
        quote_json(out, text);
        break;
    }
}

static inline void write_text(struct buf *out, const struct pg_column *c, struct slice text)
{
    switch (c->type) {
    case PG_TEXT:
    case PG_UUID:
        quote_json(out, text);
        break;
    case PG_TIMESTAMPTZ:
        write_time(out, text, true);
        break;
    case PG_ARRAY:
        write_array(out, c->element, text);
        break;
    default:
        write_value(out, c->type, PG_TEXT, text);
    }
}

static inline bool write_cell(const struct pg_result *r, const struct pg_column *c, int row, int column, struct buf *out)
{
    struct slice cell;

    if (r->binary ? !result_raw(r, row, column, &cell) : !result_cell(r, row, column, &cell))
        return false;
    if (r->binary)
        binary_write_json(out, c->oid, cell);
    else
        write_text(out, c, cell);
    return true;
}

bool pg_result_write_cell(const struct pg_result *r, int row, int column, struct buf *out)
{
    return write_cell(r, &r->shape->column[column], row, column, out);
}

/* Keys are short: in words of sixteen bytes, of which the last may lie partly behind the key. */
static inline void write_key(struct buf *out, struct slice key)
{
    char *to = buf_reserve(out, key.n + SHAPE_KEY_PADDING);

    for (size_t i = 0; i < key.n; i += SHAPE_KEY_PADDING)
        memcpy(to + i, key.p + i, SHAPE_KEY_PADDING);
    out->n += key.n;
}

void pg_result_write_row(struct pg_result *r, int row, struct buf *out)
{
    const struct pg_shape *s = shape_with_keys(r->shape);
    size_t start = out->n;

    for (int column = 0; column < s->columns; column++) {
        struct slice key = shape_json_key(s, column);
        if (key.n == 0)
            continue;
        write_key(out, key);
        if (!write_cell(r, &s->column[column], row, column, out))
            buf_lit(out, "null");
    }
    if (out->n == start)
        buf_char(out, ',');
    out->p[start] = '{'; /* over the first key's comma */
    buf_char(out, '}');
}

void pg_result_write_rows(struct pg_result *r, struct buf *out)
{
    buf_char(out, '[');
    for (int row = 0; row < r->rows; row++) {
        if (row > 0)
            buf_char(out, ',');
        pg_result_write_row(r, row, out);
    }
    buf_char(out, ']');
}
