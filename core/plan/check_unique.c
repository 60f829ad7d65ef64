/* uniqueItems: equal by value, as JSON Schema has it. 1 and 1.0 are the same number, {"a":1,"b":2} and {"b":2,"a":1} the
 * same object. Each item is hashed with a secret; scalars are compared besides, containers are equal when their hashes are,
 * which by chance happens once in 2^64 pairs. That keeps the cost linear whatever a client sends. */
#include "base/random.h"
#include "base/scan.h"
#include "plan/check_internal.h"

static uint64_t seed;

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ seed);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_string(struct slice s)
{
    uint64_t h = mix(s.n, JSON_STRING), last = 0;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8)
        h = mix(h, scan_load8(s.p + i));
    if (i < s.n)
        memcpy(&last, s.p + i, s.n - i);
    return mix(h, last);
}

static bool is_small_integer(double d, int64_t *i)
{
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
        return false;
    *i = (int64_t)d;
    return (double)*i == d;
}

static uint64_t hash_scalar(const struct json_node *v)
{
    uint64_t bits;
    int64_t i;

    switch (v->type) {
    case JSON_STRING:
        return hash_string(v->s);
    case JSON_INT:
        return mix((uint64_t)v->i, JSON_INT);
    case JSON_DOUBLE:
        if (is_small_integer(v->d, &i))
            return mix((uint64_t)i, JSON_INT);
        memcpy(&bits, &v->d, sizeof bits);
        return mix(bits, JSON_DOUBLE);
    default:
        return mix((uint64_t)v->type + 1, JSON_NULL);
    }
}

/* Deeper than PLAN_DEPTH_MAX, where only a reader with another limit gets, a container is known by its size alone and
 * taken for different from all others by its place. */
static uint64_t hash_value(const struct json_node *nodes, uint32_t at, unsigned depth)
{
    const struct json_node *v = &nodes[at];
    uint64_t h;

    if (v->type < JSON_ARRAY)
        return hash_scalar(v);
    if (depth == PLAN_DEPTH_MAX)
        return mix(at, v->count);
    h = mix(v->count, v->type);
    for (uint32_t i = 0, k = at + 1; i < v->count; i++) {
        if (v->type == JSON_ARRAY) {
            h = mix(h, hash_value(nodes, k, depth + 1));
            k = nodes[k].next;
        } else { /* in any order */
            h += mix(hash_string(nodes[k].s), hash_value(nodes, k + 1, depth + 1));
            k = nodes[k + 1].next;
        }
    }
    return mix(h, v->type);
}

/* Of two whose hashes are equal. */
static bool is_equal(const struct json_node *a, const struct json_node *b)
{
    if (a->type == JSON_STRING && b->type == JSON_STRING)
        return slice_eq(a->s, b->s);
    return a->type == b->type || (a->type < JSON_STRING && b->type < JSON_STRING);
}

struct item {
    uint64_t hash;
    uint32_t at; /* 0: the slot is free; an item is never the first node */
};

uint32_t check_find_repeat(struct arena *arena, const struct json_node *nodes, uint32_t array)
{
    uint32_t count = nodes[array].count, size = 4, at = array + 1;

    while (seed == 0)
        seed = random_u64();
    if (count < 2)
        return count;
    while (size < 2 * count)
        size *= 2;
    struct item *slots = arena_alloc(arena, size * sizeof *slots);
    memset(slots, 0, size * sizeof *slots);
    for (uint32_t i = 0; i < count; i++, at = nodes[at].next) {
        uint64_t h = hash_value(nodes, at, 0);
        uint32_t slot = (uint32_t)h & (size - 1);
        for (; slots[slot].at != 0; slot = (slot + 1) & (size - 1))
            if (slots[slot].hash == h && is_equal(&nodes[slots[slot].at], &nodes[at]))
                return i;
        slots[slot] = (struct item){h, at};
    }
    return count;
}
