#ifndef PG_RESULT_SHAPE_H
#define PG_RESULT_SHAPE_H
/* What the columns of a result are called and of which types they are. The same statement gives the same columns again and
 * again, so its results share one of these, and so does what others have made of the columns: keys of JSON rows, a plan's
 * view of them, a metatable of Lua. Counted; the statement's place in the cache counts too. */
#include "base/buf.h"
#include "pg/result/result.h"
#include "pg/result/user_types.h"

enum { SHAPES_MAX = 256 };

struct pg_column {
    struct slice name; /* in the shape's own block */
    Oid oid;
    enum pg_type type, element; /* element: of a PG_ARRAY */
};

struct pg_shape {
    unsigned refs;
    uint64_t id; /* never used again, so that others may keep what they know of it */
    int columns;
    bool unsure;        /* a type was not known when it was made */
    bool suits_binary;  /* all columns can be read in binary, and one is better for it */
    struct buf keys;    /* of JSON rows: ",\"id\":,\"name\":" and padding, made when the first row is written */
    size_t *key_ends;   /* owned; of each column, in `keys` */
    uint64_t map_owner; /* whose map it is; 0: nobody's */
    int *map;           /* owned */
    struct pg_column column[];
};

/* By the hash of the statement's text; the latest of two that share a place wins. */
struct shape_cache {
    struct pg_shape *of[SHAPES_MAX];
    struct user_types types;
};
void shape_cache_free(struct shape_cache *sc);

/* That of res, counted for the caller; hash 0 or cache NULL: nothing is known of its statement. */
struct pg_shape *shape_of(struct shape_cache *sc, uint64_t hash, const PGresult *res);
void shape_unref(struct pg_shape *s);
void shape_make_keys(struct pg_shape *s); /* shape_with_keys' slow half: nobody else calls it */

enum { SHAPE_KEY_PADDING = 16 }; /* bytes behind the last key that may be read */

static inline const struct pg_shape *shape_with_keys(struct pg_shape *s)
{
    if (s->key_ends == NULL)
        shape_make_keys(s);
    return s;
}

/* ",\"name\":"; n 0 when a later column has the same name: the last one counts. */
static inline struct slice shape_json_key(const struct pg_shape *s, int column)
{
    size_t start = column > 0 ? s->key_ends[column - 1] : 0;
    return slice_of(s->keys.p + start, s->key_ends[column] - start);
}
#endif
