#include "pg/result/user_types.h"
#include "base/mem.h"
#include <stdlib.h>

static struct user_type *place(const struct user_types *ut, Oid oid)
{
    unsigned i = (oid * 2654435761u) & (ut->cap - 1);

    while (ut->list[i].oid != 0 && ut->list[i].oid != oid)
        i = (i + 1) & (ut->cap - 1);
    return &ut->list[i];
}

const struct user_type *user_types_find(const struct user_types *ut, Oid oid)
{
    const struct user_type *t = ut->cap > 0 ? place(ut, oid) : NULL;

    return t && t->oid == oid ? t : NULL;
}

static void grow(struct user_types *ut)
{
    struct user_types old = *ut;

    ut->cap = old.cap ? old.cap * 2 : 64;
    ut->list = mem_zalloc(ut->cap * sizeof *ut->list);
    for (unsigned i = 0; i < old.cap; i++)
        if (old.list[i].oid != 0)
            *place(ut, old.list[i].oid) = old.list[i];
    free(old.list);
}

void user_types_put(struct user_types *ut, Oid oid, Oid element)
{
    if (ut->n * 2 >= ut->cap)
        grow(ut);
    struct user_type *t = place(ut, oid);
    ut->n += t->oid == 0;
    *t = (struct user_type){oid, element};
}

bool user_types_know(const struct user_types *ut, const PGresult *res)
{
    for (int i = 0, n = PQnfields(res); i < n; i++) {
        Oid oid = PQftype(res, i);
        if (oid >= USER_TYPES_MIN && user_types_find(ut, oid) == NULL)
            return false;
    }
    return true;
}

void user_types_learn(struct user_types *ut, const PGresult *res)
{
    for (int row = 0; row < PQntuples(res); row++)
        user_types_put(ut, (Oid)strtoul(PQgetvalue(res, row, 0), NULL, 10), (Oid)strtoul(PQgetvalue(res, row, 1), NULL, 10));
    ut->loaded = true;
}

void user_types_free(struct user_types *ut)
{
    free(ut->list);
    *ut = (struct user_types){0};
}
