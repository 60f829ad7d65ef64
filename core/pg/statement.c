#include "pg/statement.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/scan.h"
#include "pg/session.h"
#include <stdlib.h>

/* Both halves of the product, so that each bit of the sixteen bytes reaches all of the next state. */
static uint64_t mix(uint64_t h, const char *p)
{
    __uint128_t product = (__uint128_t)(h ^ scan_load8(p)) * (scan_load8(p + 8) ^ 0xff51afd7ed558ccdu);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t statement_hash(struct slice s)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ s.n;
    size_t i = 0;

    for (; i + 16 <= s.n; i += 16)
        h = mix(h, s.p + i);
    if (s.n >= 16 && i < s.n)
        h = mix(h, s.p + s.n - 16); /* the rest, and some again */
    for (; s.n < 16 && i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    h = (h ^ h >> 32) * 0xff51afd7ed558ccdu;
    h ^= h >> 29;
    return h != 0 ? h : 1; /* 0 is an empty place in `seen` */
}

static struct prepared **bucket(struct statement_cache *sc, uint64_t hash)
{
    return &sc->buckets[hash % STATEMENTS_MAX];
}

void statement_cache_init(struct statement_cache *sc)
{
    *sc = (struct statement_cache){0};
    list_init(&sc->by_use);
}

static void unlink_prepared(struct statement_cache *sc, struct prepared *p)
{
    struct prepared **at = bucket(sc, p->hash);

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    list_remove(&p->by_use);
    sc->count--;
}

static void discard(struct statement_cache *sc, struct prepared *p)
{
    char name[STATEMENT_NAME_MAX];

    statement_name(name, p->number);
    buf_lit(&sc->discarded, "DEALLOCATE ");
    buf_str(&sc->discarded, name);
    buf_char(&sc->discarded, ';');
    sc->discarded_count++;
    statement_forget(sc, p);
}

void statement_discard_all(struct statement_cache *sc)
{
    while (!list_is_empty(&sc->by_use))
        discard(sc, LIST_OF(list_first(&sc->by_use), struct prepared, by_use));
}

void statement_cache_free(struct statement_cache *sc)
{
    while (!list_is_empty(&sc->by_use)) {
        struct prepared *p = LIST_OF(list_first(&sc->by_use), struct prepared, by_use);
        statement_forget(sc, p);
    }
    buf_free(&sc->discarded);
}

struct prepared *statement_find(struct statement_cache *sc, struct slice sql, uint64_t hash)
{
    struct prepared *p = *bucket(sc, hash);

    while (p && !(p->hash == hash && slice_eq(slice_of(p->sql, p->n), sql)))
        p = p->next;
    if (p) {
        list_remove(&p->by_use);
        list_push_front(&sc->by_use, &p->by_use);
    }
    return p;
}

bool statement_is_worth(struct statement_cache *sc, struct slice sql, uint64_t hash)
{
    uint64_t *place = &sc->seen[hash % STATEMENTS_MAX];
    bool came_before = *place == hash;

    *place = hash;
    return came_before && sql.n <= STATEMENT_SQL_MAX && sc->discarded_count < DISCARDED_MAX;
}

unsigned statement_next_number(const struct statement_cache *sc)
{
    return sc->last_number + 1;
}

void statement_name(char out[static STATEMENT_NAME_MAX], unsigned number)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = number_write_u64(digits, number); /* ten at most */

    out[0] = 's';
    memcpy(out + 1, digits, n);
    out[n + 1] = '\0';
}

struct prepared *statement_add(struct statement_cache *sc, struct slice sql, uint64_t hash)
{
    struct prepared *p = mem_alloc(sizeof *p + sql.n + 1);
    struct prepared **head;

    if (sc->count == STATEMENTS_MAX)
        discard(sc, LIST_OF(sc->by_use.prev, struct prepared, by_use));
    p->hash = hash;
    p->number = ++sc->last_number;
    p->n = sql.n;
    p->touches = session_is_touched_by(sql);
    p->binary = false;
    memcpy(p->sql, sql.p, sql.n);
    p->sql[sql.n] = '\0';
    head = bucket(sc, p->hash);
    p->next = *head;
    *head = p;
    list_push_front(&sc->by_use, &p->by_use);
    sc->count++;
    return p;
}

void statement_forget(struct statement_cache *sc, struct prepared *p)
{
    unlink_prepared(sc, p);
    free(p);
}

void statement_discarded_done(struct statement_cache *sc)
{
    buf_clear(&sc->discarded);
    sc->discarded_count = 0;
}

uint64_t statement_hash_of(const struct pg_statement *st)
{
    return st->hash != 0 ? st->hash : statement_hash(st->sql);
}

size_t statement_bytes(const struct pg_statement *st)
{
    size_t n = st->sql.n;

    for (int i = 0; i < st->n; i++)
        n += st->values[i] ? (size_t)st->lengths[i] : 0;
    return n;
}

const char *statement_fault(const struct pg_statement *st)
{
    if (memchr(st->sql.p, '\0', st->sql.n))
        return "the SQL text holds a NUL";
    return statement_values_fault(st);
}

const char *statement_values_fault(const struct pg_statement *st)
{
    if (st->n < 0 || st->n > 65535) /* the count is 16 bits in the Bind message */
        return "too many parameters: 65535 is the most";
    /* libpq stops at a NUL in a text parameter, with a length given too: "admin\0evil" would arrive as "admin". */
    for (int i = 0; i < st->n; i++)
        if (st->values[i] && memchr(st->values[i], '\0', (size_t)st->lengths[i]))
            return "a parameter holds a NUL";
    return NULL;
}

size_t statement_values_size(const struct pg_statement *st)
{
    return (size_t)st->n * (sizeof(char *) + sizeof(int) + 1) + statement_bytes(st) - st->sql.n;
}

/* [values][lengths][value NUL]... */
void statement_copy_values(struct pg_statement *to, const struct pg_statement *st, char *room)
{
    size_t n = (size_t)st->n;
    const char **values = (const char **)(void *)room;
    int *lengths = (int *)(void *)(room + n * sizeof(char *));
    char *p = room + n * (sizeof(char *) + sizeof(int));

    for (size_t i = 0; i < n; i++) {
        values[i] = st->values[i] ? p : NULL;
        lengths[i] = st->values[i] ? st->lengths[i] : 0;
        if (values[i] == NULL)
            continue;
        memcpy(p, st->values[i], (size_t)lengths[i]);
        p[lengths[i]] = '\0';
        p += lengths[i] + 1;
    }
    to->n = st->n;
    to->values = values;
    to->lengths = lengths;
}

void statement_copy_set(struct statement_copy *copy, const struct pg_statement *st)
{
    size_t values = statement_values_size(st), need = values + st->sql.n + 1;

    if (need > copy->cap) {
        free(copy->block);
        copy->cap = need;
        copy->block = mem_alloc(need);
    }
    statement_copy_values(&copy->st, st, copy->block);
    memcpy(copy->block + values, st->sql.p, st->sql.n);
    copy->block[values + st->sql.n] = '\0';
    copy->st.sql = slice_of(copy->block + values, st->sql.n);
    copy->st.hash = st->hash;
}

void statement_copy_free(struct statement_copy *copy)
{
    free(copy->block);
    *copy = (struct statement_copy){0};
}
