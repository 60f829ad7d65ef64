#ifndef PG_RESULT_BINARY_H
#define PG_RESULT_BINARY_H
/* Cells in Postgres' binary format. The server makes them faster than text, and they are shorter where they are a uuid or a
 * time: a page of a hundred rows of eight columns costs it a quarter less. Only types are read here whose text can be
 * written exactly as the server would write it in a session with DateStyle ISO and TimeZone UTC. */
#include "base/slice.h"
#include <libpq-fe.h>
#include <stdint.h>

struct buf;

enum { BINARY_TEXT_MAX = 48 }; /* of a type that is no text in itself */

bool binary_reads(Oid oid);
/* Whether a column of that type is what makes it worth to ask for the binary format. */
bool binary_pays(Oid oid);
/* As the server would have written it: in scratch, or in the cell itself. Of a type that is read here. */
struct slice binary_text(Oid oid, struct slice cell, char scratch[static BINARY_TEXT_MAX]);
/* Of a timestamp: as pg_write_timestamp makes it of its text, RFC 3339 where it has that form. */
struct slice binary_time(Oid oid, struct slice cell, char scratch[static BINARY_TEXT_MAX]);
int64_t binary_int(struct slice cell);                               /* of int2, int4, int8, and of bool: 0 or 1 */
void binary_write_json(struct buf *out, Oid oid, struct slice cell); /* as pg_result_write_cell does with the text */
#endif
