#include "pg/result/result.h"

/* The numbers are fixed in Postgres' pg_type.dat. */
enum pg_type pg_type_of(Oid oid)
{
    switch (oid) {
    case 16:
        return PG_BOOL;
    case 17:
        return PG_BYTEA;
    case 20: /* int8 */
    case 21: /* int2 */
    case 23: /* int4 */
    case 26: /* oid */
        return PG_INT;
    case 700:
    case 701:
        return PG_FLOAT;
    case 1700:
        return PG_NUMERIC;
    case 2950:
        return PG_UUID;
    case 1184:
        return PG_TIMESTAMPTZ;
    case 1114:
        return PG_TIMESTAMP;
    case 1082:
        return PG_DATE;
    case 114:  /* json */
    case 3802: /* jsonb */
        return PG_JSON;
    default:
        return pg_type_of_element(oid) == PG_ARRAY ? PG_TEXT : PG_ARRAY;
    }
}

/* PG_ARRAY means: not an array that we know. Arrays of types that are text to us are listed too, so that a text[] is an
 * array and not the literal "{...}". */
enum pg_type pg_type_of_element(Oid array_oid)
{
    switch (array_oid) {
    case 1000:
        return PG_BOOL;
    case 1001:
        return PG_BYTEA;
    case 1005:
    case 1007:
    case 1016:
    case 1028:
        return PG_INT;
    case 1021:
    case 1022:
        return PG_FLOAT;
    case 1231:
        return PG_NUMERIC;
    case 2951:
        return PG_UUID;
    case 1185:
        return PG_TIMESTAMPTZ;
    case 1115:
        return PG_TIMESTAMP;
    case 1182:
        return PG_DATE;
    case 199:
    case 3807:
        return PG_JSON;
    case 1002: /* "char" */
    case 1003: /* name */
    case 1009: /* text */
    case 1014: /* bpchar */
    case 1015: /* varchar */
    case 1040: /* macaddr */
    case 1041: /* inet */
    case 651:  /* cidr */
    case 1183: /* time */
    case 1187: /* interval */
    case 1270: /* timetz */
        return PG_TEXT;
    default:
        return PG_ARRAY;
    }
}

static bool is_digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Whether eight bytes are those of `shape`, or a digit where `digits` has 0xff. A digit is 0x30 to 0x39: its upper half is
 * 3, and still is when 6 is added. What carries over to the next byte was none. */
static inline bool is_shaped(const char *p, const char *shape, const char *digits)
{
    uint64_t v = load8(p), is_digit = load8(digits);
    uint64_t halves = UINT64_C(0xf0f0f0f0f0f0f0f0), threes = UINT64_C(0x3030303030303030);
    uint64_t no_digit = ((v & halves) ^ threes) | (((v + UINT64_C(0x0606060606060606)) & halves) ^ threes);

    return ((no_digit & is_digit) | ((v ^ load8(shape)) & ~is_digit)) == 0;
}

/* "YYYY-MM-DD HH:MM:SS" with exactly four digits of year: a later year, one before our era, or infinity has no RFC 3339
 * form and is passed on as Postgres wrote it. The last eight bytes overlap those before them. */
static bool has_date_and_time(struct slice s)
{
    return s.n >= 19 && is_shaped(s.p, "....-..-", "\xff\xff\xff\xff\0\xff\xff\0") &&
           is_shaped(s.p + 8, ".. ..:..", "\xff\xff\0\xff\xff\0\xff\xff") &&
           is_shaped(s.p + 11, "..:..:..", "\xff\xff\0\xff\xff\0\xff\xff");
}

/* The session's time zone is UTC, so the offset is always "+00". */
static bool split_fraction(struct slice s, bool with_zone, struct slice *fraction)
{
    size_t end = s.n;

    if (with_zone) {
        if (end < 3 || memcmp(s.p + end - 3, "+00", 3) != 0)
            return false;
        end -= 3;
    }
    *fraction = slice_of(s.p, 0);
    if (end == 19)
        return true;
    if (end < 21 || end > 26 || s.p[19] != '.')
        return false;
    *fraction = slice_of(s.p + 20, end - 20);
    return is_digits(fraction->p, fraction->n);
}

/* With all six digits, as most are: what is not checked here begins with what has_date_and_time has seen. */
static bool has_microseconds(struct slice s, bool with_zone)
{
    return s.n == (with_zone ? 29 : 26) && is_shaped(s.p + 18, "........", "\xff\0\xff\xff\xff\xff\xff\xff") &&
           (!with_zone || memcmp(s.p + 26, "+00", 3) == 0);
}

size_t pg_write_timestamp(char out[static 64], struct slice text, bool with_zone)
{
    struct slice fraction;
    size_t n = 26;

    if (has_microseconds(text, with_zone) && has_date_and_time(text)) {
        memcpy(out, text.p, 26);
        out[10] = 'T';
        out[26] = 'Z';
        return with_zone ? 27 : 26;
    }
    if (!has_date_and_time(text) || !split_fraction(text, with_zone, &fraction)) {
        n = text.n < 64 ? text.n : 64;
        memcpy(out, text.p, n);
        return n;
    }
    memcpy(out, text.p, 19);
    out[10] = 'T';
    memcpy(out + 19, ".000000", 7);
    memcpy(out + 20, fraction.p, fraction.n);
    if (with_zone)
        out[n++] = 'Z';
    return n;
}
