#include "plan/lookup.h"
#include "base/scan.h"

struct plan_lookup {
    const struct slice *names;
    uint32_t n;
    uint32_t mask;
    uint32_t slots[]; /* open addressing, at most a quarter full: an index + 1, or 0 */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* No secret is needed: the names in the table are the application's own, and what a client sends is only looked for, at
 * the cost of the longest run of slots in use. */
static uint32_t hash(struct slice s)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t h = odd ^ s.n, last = 0;

    if (s.n >= 8) {
        for (size_t i = 0; i + 8 < s.n; i += 8)
            h = mix(h ^ scan_load8(s.p + i), odd);
        last = scan_load8(s.p + s.n - 8);
    } else if (s.n >= 4) {
        last = scan_load4(s.p) | (uint64_t)scan_load4(s.p + s.n - 4) << 32;
    } else if (s.n > 0) {
        const unsigned char *p = (const unsigned char *)s.p;
        last = p[0] | (uint64_t)p[s.n / 2] << 8 | (uint64_t)p[s.n - 1] << 16;
    }
    return (uint32_t)mix(h ^ last, odd);
}

struct plan_lookup *lookup_new(struct arena *a, const struct slice *names, uint32_t n, uint32_t *twice)
{
    uint32_t size = 8;
    while (size < 4 * n)
        size *= 2;
    struct plan_lookup *l = arena_alloc(a, sizeof *l + size * sizeof l->slots[0]);
    *l = (struct plan_lookup){.names = names, .n = n, .mask = size - 1};
    memset(l->slots, 0, size * sizeof l->slots[0]);
    *twice = n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = hash(names[i]) & l->mask;
        for (; l->slots[at] != 0; at = (at + 1) & l->mask)
            if (slice_eq(names[l->slots[at] - 1], names[i]))
                *twice = i;
        l->slots[at] = i + 1;
    }
    return l;
}

int plan_lookup_find(const struct plan_lookup *l, struct slice name, uint32_t hint)
{
    if (hint < l->n && slice_eq(l->names[hint], name))
        return (int)hint;
    for (uint32_t at = hash(name) & l->mask; l->slots[at] != 0; at = (at + 1) & l->mask)
        if (slice_eq(l->names[l->slots[at] - 1], name))
            return (int)l->slots[at] - 1;
    return -1;
}
