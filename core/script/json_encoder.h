#ifndef SCRIPT_JSON_ENCODER_H
#define SCRIPT_JSON_ENCODER_H
/* What the parts of json_encode share: json_encode.c has the values, json_table.c the tables. */
#include "base/buf.h"
#include "script/json_marks.h"
#include "script/json_path.h"

struct json_encoder {
    lua_State *L;
    struct buf *out;
    const struct json_marks *marks; /* NULL until a metatable is met: most answers have none */
    struct json_frame *frame;       /* the innermost table that is being written */
    int depth;
    const void *columns; /* the list of columns that was last looked at, */
    bool columns_unique; /* and whether none is in it twice */
    char *err;
};

enum json_kind { JSON_KIND_PLAIN, JSON_KIND_ARRAY, JSON_KIND_OBJECT, JSON_KIND_RAW, JSON_KIND_OTHER };

/* All return 0, or -1 with the reason in err. `at` is a stack index from 1; what they push above it they may leave there. */
int json_encode_value(struct json_encoder *e, int at);
int json_encode_table(struct json_encoder *e, int at);
int json_encode_kind(struct json_encoder *e, int at, enum json_kind *kind); /* by the value's metatable */
void json_encode_text(struct json_encoder *e, int at); /* the value is a string */
int json_encode_refuse(struct json_encoder *e, const char *what); /* -1 */
#endif
