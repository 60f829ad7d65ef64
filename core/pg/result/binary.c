#include "pg/result/binary.h"
#include "base/number.h"
#include "base/quote.h"
#include "base/uuid.h"
#include "pg/result/binary_time.h"
#include "pg/result/result.h"
#include <endian.h>

/* Of pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802
};

bool binary_reads(Oid oid)
{
    switch (oid) {
    case OID_BOOL:
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_TEXT:
    case OID_JSON:
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_JSONB:
        return true;
    default:
        return binary_pays(oid);
    }
}

bool binary_pays(Oid oid)
{
    return oid == OID_UUID || oid == OID_TIMESTAMPTZ || oid == OID_TIMESTAMP || oid == OID_DATE;
}

/* Big-endian, as everything in the protocol. */
int64_t binary_int(struct slice cell)
{
    uint64_t v;

    if (cell.n == sizeof v) {
        memcpy(&v, cell.p, sizeof v);
        return (int64_t)be64toh(v);
    }
    v = cell.n > 0 && (unsigned char)cell.p[0] >= 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < cell.n; i++)
        v = v << 8 | (unsigned char)cell.p[i];
    return (int64_t)v;
}

/* The ends of the range stand for infinity. */
static bool is_infinity(int64_t v)
{
    return v == INT64_MAX || v == INT64_MIN;
}

static struct slice infinity(int64_t v)
{
    return v > 0 ? SLICE_LIT("infinity") : SLICE_LIT("-infinity");
}

static struct slice time_text(Oid oid, int64_t v, char *scratch)
{
    if (is_infinity(v))
        return infinity(v);
    return slice_of(scratch, binary_write_timestamp(scratch, v, oid == OID_TIMESTAMPTZ));
}

static struct slice date_text(int64_t v, char *scratch)
{
    if (v == INT32_MAX || v == INT32_MIN)
        return infinity(v);
    return slice_of(scratch, binary_write_date(scratch, v));
}

/* ---- */

struct slice binary_text(Oid oid, struct slice cell, char scratch[static BINARY_TEXT_MAX])
{
    switch (oid) {
    case OID_BOOL:
        return binary_int(cell) != 0 ? SLICE_LIT("t") : SLICE_LIT("f");
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
        return slice_of(scratch, number_write_i64(scratch, binary_int(cell)));
    case OID_JSONB: /* a byte that is its version, which is 1 */
        return slice_of(cell.p + 1, cell.n > 0 ? cell.n - 1 : 0);
    case OID_UUID:
        if (cell.n != UUID_BYTES)
            return cell;
        uuid_write(scratch, cell.p);
        return slice_of(scratch, UUID_TEXT);
    case OID_DATE:
        return date_text(binary_int(cell), scratch);
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return time_text(oid, binary_int(cell), scratch);
    default:
        return cell;
    }
}

struct slice binary_time(Oid oid, struct slice cell, char scratch[static BINARY_TEXT_MAX])
{
    int64_t v = binary_int(cell);
    size_t n = is_infinity(v) ? 0 : binary_write_rfc3339(scratch, v, oid == OID_TIMESTAMPTZ);

    return n > 0 ? slice_of(scratch, n) : time_text(oid, v, scratch);
}

static void write_quoted(struct buf *out, struct slice text)
{
    char *to = buf_reserve(out, text.n + 2);

    to[0] = '"';
    memcpy(to + 1, text.p, text.n);
    to[text.n + 1] = '"';
    out->n += text.n + 2;
}

static void write_uuid(struct buf *out, struct slice cell)
{
    char *to = buf_reserve(out, UUID_TEXT + 2);

    if (cell.n != UUID_BYTES) {
        buf_lit(out, "null");
        return;
    }
    to[0] = to[UUID_TEXT + 1] = '"';
    uuid_write(to + 1, cell.p);
    out->n += UUID_TEXT + 2;
}

void binary_write_json(struct buf *out, Oid oid, struct slice cell)
{
    char scratch[BINARY_TEXT_MAX];

    switch (oid) {
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_VARCHAR:
        quote_json(out, cell);
        break;
    case OID_UUID:
        write_uuid(out, cell);
        break;
    case OID_BOOL:
        buf_str(out, binary_int(cell) != 0 ? "true" : "false");
        break;
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        write_quoted(out, binary_time(oid, cell, scratch));
        break;
    case OID_DATE:
        write_quoted(out, binary_text(oid, cell, scratch));
        break;
    default:
        buf_slice(out, binary_text(oid, cell, scratch));
    }
}
