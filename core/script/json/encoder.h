#ifndef SCRIPT_JSON_ENCODER_H
#define SCRIPT_JSON_ENCODER_H
/* What the parts of json_encode share: encode.c has the values, table.c the tables. */
#include "base/buf.h"
#include "script/json/marks.h"
#include "script/json/path.h"

/* A member of an object that waits for its turn. */
struct json_key {
    uint64_t prefix;   /* the first eight bytes as a number, which tell most keys apart */
    struct slice text; /* Lua's own; the stack holds it */
    int at;            /* the key's stack index; the value lies above it */
};

enum {
    JSON_KEYS_INLINE = 32,
    JSON_STACK_SPARE = 24, /* what a table needs up to its eighth member; sorted.c asks for more */
};
#define JSON_MIXED_KEYS "string keys and others in one table cannot be JSON"

struct json_encoder {
    lua_State *L;
    struct buf *out;
    struct json_frame *frame; /* the innermost table that is being written */
    int depth;
    struct json_key *keys; /* of all tables that are being written, the innermost last */
    unsigned keys_n, keys_cap;
    char *err;
    struct json_key keys_inline[JSON_KEYS_INLINE];
};

/* All return 0, or -1 with the reason in err. `at` is a stack index from 1. */
/* These two leave the stack's top where it was. */
int json_encode_value(struct json_encoder *e, int at);
int json_encode_table(struct json_encoder *e, int at);
/* The members of the table, or of a row those that are no columns: sorted by their keys, so that equal values have equal
 * texts. `columns` is the stack index of a row's list, or 0. The first member is on top, as lua_next has put it there; what
 * lies above the table afterwards doesn't matter. */
int json_encode_sorted(struct json_encoder *e, int at, int columns, char *before);
/* One member: the key lies at `key`, the value above it. *before is '{' or ','. */
int json_encode_member(struct json_encoder *e, int key, struct slice text, char *before);
int json_encode_refuse_table(struct json_encoder *e, const char *what); /* -1; the table itself is what is wrong */
struct slice json_encode_text(struct json_encoder *e, int at);          /* of what is a string; borrowed from Lua */
int json_encode_refuse(struct json_encoder *e, const char *what);       /* -1 */
#endif
