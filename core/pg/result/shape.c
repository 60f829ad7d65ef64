#include "pg/result/shape.h"
#include "base/mem.h"
#include "base/quote.h"
#include "pg/result/binary.h"
#include <stdlib.h>

/* The names are compared too: a column may be called otherwise since. */
static bool is_of(const struct pg_shape *s, const PGresult *res, int columns)
{
    if (s->columns != columns || s->unsure)
        return false;
    for (int i = 0; i < columns; i++)
        if (s->column[i].oid != PQftype(res, i) || strcmp(s->column[i].name.p, PQfname(res, i)) != 0)
            return false;
    return true;
}

/* types: NULL when nothing is known of the database. */
static struct pg_column column_of(struct slice name, Oid oid, const struct user_types *types, bool *unsure)
{
    struct pg_column column = {name, oid, pg_type_of(oid), pg_type_of_element(oid)};
    const struct user_type *t = oid >= USER_TYPES_MIN && types ? user_types_find(types, oid) : NULL;

    *unsure |= oid >= USER_TYPES_MIN && t == NULL;
    if (t && t->element != 0) {
        column.type = PG_ARRAY;
        column.element = pg_type_of(t->element);
    }
    return column;
}

static bool suits_binary(const PGresult *res, int columns)
{
    bool all = true, pays = false;

    for (int i = 0; i < columns; i++) {
        all &= binary_reads(PQftype(res, i));
        pays |= binary_pays(PQftype(res, i));
    }
    return all && pays;
}

static struct pg_shape *make(const PGresult *res, int columns, const struct user_types *types)
{
    static uint64_t last_id;
    size_t size = sizeof(struct pg_shape) + (size_t)columns * sizeof(struct pg_column), names = 0;
    struct pg_shape *s;
    char *p;

    for (int i = 0; i < columns; i++)
        names += strlen(PQfname(res, i)) + 1;
    s = mem_alloc(size + names);
    *s = (struct pg_shape){.refs = 1, .id = ++last_id, .columns = columns, .suits_binary = suits_binary(res, columns)};
    p = (char *)s + size;
    for (int i = 0; i < columns; i++) {
        size_t n = strlen(PQfname(res, i));
        Oid oid = PQftype(res, i);
        s->column[i] = column_of(slice_of(p, n), oid, types, &s->unsure);
        memcpy(p, PQfname(res, i), n + 1);
        p += n + 1;
    }
    return s;
}

void shape_unref(struct pg_shape *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    buf_free(&s->keys);
    free(s->key_ends);
    free(s->map);
    free(s);
}

void shape_cache_free(struct shape_cache *sc)
{
    for (int i = 0; i < SHAPES_MAX; i++) {
        shape_unref(sc->of[i]);
        sc->of[i] = NULL;
    }
    user_types_free(&sc->types);
}

struct pg_shape *shape_of(struct shape_cache *sc, uint64_t hash, const PGresult *res)
{
    struct pg_shape **at = sc && hash != 0 ? &sc->of[hash % SHAPES_MAX] : NULL;
    int columns = PQnfields(res);

    if (at == NULL)
        return make(res, columns, sc ? &sc->types : NULL);
    if (*at == NULL || !is_of(*at, res, columns)) {
        shape_unref(*at);
        *at = make(res, columns, &sc->types);
    }
    (*at)->refs++;
    return *at;
}

static bool comes_again(const struct pg_shape *s, int column)
{
    for (int i = column + 1; i < s->columns; i++)
        if (slice_eq(s->column[i].name, s->column[column].name))
            return true;
    return false;
}

void shape_make_keys(struct pg_shape *s)
{
    s->key_ends = mem_alloc(((size_t)s->columns + 1) * sizeof *s->key_ends);
    for (int i = 0; i < s->columns; i++) {
        if (!comes_again(s, i)) {
            buf_char(&s->keys, ',');
            quote_json(&s->keys, s->column[i].name);
            buf_char(&s->keys, ':');
        }
        s->key_ends[i] = s->keys.n;
    }
    memset(buf_reserve(&s->keys, SHAPE_KEY_PADDING), 0, SHAPE_KEY_PADDING);
}
