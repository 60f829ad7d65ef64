#include "core/pg/result/shape.c"
#include "spec/core/test.h"
#include <stdio.h>

static PGresult *one_column(const char *name, Oid oid)
{
    char copy[16];
    PGresAttDesc attributes[1] = {{.name = copy, .typid = oid, .typlen = -1}};
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    snprintf(copy, sizeof copy, "%s", name);
    CHECK(PQsetResultAttrs(res, 1, attributes));
    return res;
}

static struct shape_cache cache;

static uint64_t id_of(uint64_t hash, const char *name, Oid oid)
{
    PGresult *res = one_column(name, oid);
    struct pg_shape *s = shape_of(&cache, hash, res);
    uint64_t id = s->id;

    CHECK_STR(s->column[0].name.p, s->column[0].name.n, name);
    CHECK_INT(s->column[0].type, pg_type_of(oid));
    shape_unref(s);
    PQclear(res);
    return id;
}

TEST("the results of one statement share a shape")
{
    CHECK(id_of(7, "a", 23) == id_of(7, "a", 23));
    shape_cache_free(&cache);
}

TEST("a column that is called otherwise, or of another type, makes a new one")
{
    uint64_t first = id_of(7, "a", 23), renamed = id_of(7, "b", 23);

    CHECK(first != renamed);
    CHECK(id_of(7, "b", 25) != renamed);
    CHECK(id_of(7, "a", 23) != first);
    shape_cache_free(&cache);
}

TEST("one that lost its place to another statement lives as long as its results")
{
    PGresult *res = one_column("mine", 25);
    struct pg_shape *s = shape_of(&cache, 1, res);

    id_of(1 + SHAPES_MAX, "other", 23);
    CHECK_STR(s->column[0].name.p, s->column[0].name.n, "mine");
    struct slice key = shape_json_key(shape_with_keys(s), 0);
    CHECK_STR(key.p, key.n, ",\"mine\":");
    shape_unref(s);
    PQclear(res);
    shape_cache_free(&cache);
}

TEST("a result of nobody knows whose statement has a shape of its own")
{
    CHECK(id_of(0, "a", 23) != id_of(0, "a", 23));
    CHECK(cache.of[0] == NULL);
}
