#include "plan/json_keys.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/scan.h"
#include <stdlib.h>

enum { FEW = 24 }; /* up to here a filter of 64 bits and comparing are faster than a table */

static uint32_t next_key(const struct json_node *nodes, uint32_t key)
{
    return nodes[key + 1].next;
}

/* Length and the bytes at both ends tell the keys of most objects apart. */
static uint64_t filter_bit(struct slice key)
{
    unsigned v = (unsigned)key.n * 7;
    if (key.n > 0)
        v += (unsigned char)key.p[0] * 5u + (unsigned char)key.p[key.n - 1];
    return (uint64_t)1 << (v & 63);
}

static const struct json_node *duplicate_of_few(const struct json_node *nodes, uint32_t object)
{
    const struct json_node *seen[FEW];
    uint64_t filter = 0;
    uint32_t key = object + 1;

    for (uint32_t i = 0; i < nodes[object].count; i++, key = next_key(nodes, key)) {
        struct slice s = nodes[key].s;
        uint64_t bit = filter_bit(s);
        for (uint32_t j = 0; (filter & bit) && j < i; j++)
            if (slice_eq(seen[j]->s, s))
                return &nodes[key];
        filter |= bit;
        seen[i] = &nodes[key];
    }
    return NULL;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The seed is secret: a client that could choose colliding keys would make the table quadratic. */
static uint64_t hash(struct slice s, uint64_t seed)
{
    uint64_t h = seed ^ s.n, last = 0;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8)
        h = mix(h ^ scan_load8(s.p + i), seed | 1);
    memcpy(&last, s.p + i, s.n - i);
    return mix(h ^ last, (seed >> 32 ^ 0x9e3779b97f4a7c15u) | 1);
}

/* Open addressing, at most half full; the high half of a slot is hash, so that few keys are compared. */
static const struct json_node *duplicate_of_many(const struct json_node *nodes, uint32_t object)
{
    static uint64_t seed;
    uint32_t slots = 64, key = object + 1;
    const struct json_node *found = NULL;

    if (seed == 0)
        seed = random_u64();
    while (slots < 2 * nodes[object].count)
        slots *= 2;
    uint64_t *table = mem_zalloc(slots * sizeof *table);
    for (uint32_t i = 0; i < nodes[object].count && found == NULL; i++, key = next_key(nodes, key)) {
        uint64_t h = hash(nodes[key].s, seed);
        uint32_t at = (uint32_t)h & (slots - 1);
        for (; table[at] != 0 && found == NULL; at = (at + 1) & (slots - 1))
            if (table[at] >> 32 == h >> 32 && slice_eq(nodes[(uint32_t)table[at]].s, nodes[key].s))
                found = &nodes[key];
        table[at] = (h >> 32 << 32) | key; /* never 0: key 0 would be the document itself */
    }
    free(table);
    return found;
}

const struct json_node *json_keys_duplicate(const struct json_node *nodes, uint32_t object)
{
    if (nodes[object].count < 2)
        return NULL;
    return nodes[object].count <= FEW ? duplicate_of_few(nodes, object) : duplicate_of_many(nodes, object);
}
