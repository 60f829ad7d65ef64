#ifndef PG_RESULT_H
#define PG_RESULT_H
/* Rows as they came from Postgres, read where they lie: in text format, or in binary, which shows nowhere (binary.h).
 * Types as in the design: int2/4/8, floats, bool, text, uuid, timestamptz (RFC 3339, Z), timestamp, date, numeric (text),
 * json, bytea, arrays; others are text. */
#include "base/buf.h"
#include <libpq-fe.h>
#include <stdint.h>

struct pg_result; /* owns one PGresult; freed with pg_result_free */
struct pg_shape;
struct shape_cache;

enum pg_type {
    PG_TEXT,
    PG_BOOL,
    PG_INT,
    PG_FLOAT,
    PG_NUMERIC,
    PG_UUID,
    PG_TIMESTAMPTZ,
    PG_TIMESTAMP,
    PG_DATE,
    PG_JSON,
    PG_BYTEA,
    PG_ARRAY
};

/* statement: the hash of its text, by which its columns are known again; 0, or no cache: they are not. */
struct pg_result *pg_result_new(PGresult *taken, struct shape_cache *shapes, uint64_t statement);
/* All rows of n > 0 results, one after another; the parts stay the caller's. NULL: their columns are not the same, or there
 * are too many rows. */
struct pg_result *pg_result_concat(struct pg_result *const *parts, unsigned n);
void pg_result_free(struct pg_result *r); /* NULL is fine */
int pg_result_rows(const struct pg_result *r);
int pg_result_columns(const struct pg_result *r);
struct pg_shape *pg_result_shape(const struct pg_result *r); /* borrowed; pg/result/shape.h */
struct slice pg_result_name(const struct pg_result *r, int column);
enum pg_type pg_result_type(const struct pg_result *r, int column);
enum pg_type pg_result_element_type(const struct pg_result *r, int column); /* of a PG_ARRAY */
bool pg_result_is_null(const struct pg_result *r, int row, int column);
struct slice pg_result_text(const struct pg_result *r, int row, int column); /* as Postgres writes it */
/* Rows in binary need not become texts for who can read them: the cell as it came, and its type. False: NULL. */
bool pg_result_is_binary(const struct pg_result *r);
bool pg_result_binary(const struct pg_result *r, int row, int column, struct slice *cell, Oid *oid);
int64_t pg_result_affected(const struct pg_result *r);   /* rows that the command touched; 0 where it says nothing */
size_t pg_result_bytes(const struct pg_result *r);       /* what it takes in memory */
size_t pg_result_largest_row(const struct pg_result *r); /* bytes of its cells; looks at every one */
/* Whether its statement had better be asked for the binary format the next time: it is large, in text, and of types that
 * are read in binary. */
bool pg_result_suits_binary(const struct pg_result *r);
/* False: it is in binary, and has a column of another type. */
bool pg_result_is_readable(const PGresult *res);

/* One cell, row or the whole result as JSON: exact numbers (numeric as a string), RFC 3339 times, json as it is, bytea as
 * base64 (RFC 4648 4), arrays as arrays, NULL as null, NaN and infinities of floats as null. A cell alone that is NULL is
 * not written, and false is returned. */
bool pg_result_write_cell(const struct pg_result *r, int row, int column, struct buf *out);
void pg_result_write_row(struct pg_result *r, int row, struct buf *out);
void pg_result_write_rows(struct pg_result *r, struct buf *out);
/* The (n - 2) / 2 bytes of a text of n bytes that looks like \\x0102; false when it is not that. */
bool pg_decode_bytea(char *out, struct slice text);

/* "2024-01-01 00:00:00.5+00" -> "2024-01-01T00:00:00.500000Z" (six digits, always); text that does not look like it is
 * copied ("infinity"). Returns the bytes written. */
size_t pg_write_timestamp(char out[static 64], struct slice text, bool with_zone);
/* Element by element over "{1,2,NULL,\"a b\"}", nested arrays as their own text. */
struct pg_array_reader {
    const char *p, *end;
    int state;
    struct buf scratch;
};
bool pg_array_begin(struct pg_array_reader *r, struct slice text);
/* False at the end. *element is valid until the next call; *is_null for NULL; *is_array when it is an array itself. */
bool pg_array_next(struct pg_array_reader *r, struct slice *element, bool *is_null, bool *is_array);
void pg_array_end(struct pg_array_reader *r);
enum pg_type pg_type_of(Oid oid);               /* PG_ARRAY for the array types that we know */
enum pg_type pg_type_of_element(Oid array_oid); /* PG_ARRAY: not an array that we know */
#endif
