#include "base/mem.h"
#include "script/json/encoder.h"
#include "script/json/json.h"
#include <stdlib.h>
#include <string.h>

enum {
    STACK_STEP = 8,    /* members that the stack is asked to take at a time */
    SORTED_MAX = 1000, /* more are written as they come: 64 levels of them, two places each, still fit on Lua's stack */
    INSERTION_MAX = 16,
};

static uint64_t big_endian4(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
}

/* Filled up with zeros. */
static uint64_t prefix_of(struct slice s)
{
    if (s.n >= 8)
        return big_endian4(s.p) << 32 | big_endian4(s.p + 4);
    if (s.n >= 4) /* the last four bytes, without those that are among the first four too */
        return big_endian4(s.p) << 32 | (big_endian4(s.p + s.n - 4) << 8 * (8 - s.n) & UINT32_MAX);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v |= (uint64_t)(unsigned char)s.p[i] << (56 - 8 * i);
    return v;
}

static int compare(const void *a, const void *b)
{
    const struct json_key *ka = a, *kb = b;
    if (ka->prefix != kb->prefix)
        return ka->prefix < kb->prefix ? -1 : 1;
    size_t an = ka->text.n, bn = kb->text.n;
    int c = memcmp(ka->text.p, kb->text.p, an < bn ? an : bn);
    return c != 0 ? c : (an > bn) - (an < bn);
}

static inline bool is_before(const struct json_key *a, const struct json_key *b)
{
    return a->prefix != b->prefix ? a->prefix < b->prefix : compare(a, b) < 0;
}

static void sort(struct json_key *keys, unsigned n)
{
    if (n > INSERTION_MAX) {
        qsort(keys, n, sizeof *keys, compare);
        return;
    }
    for (unsigned i = 1; i < n; i++) {
        struct json_key key = keys[i];
        unsigned to = i;
        for (; to > 0 && is_before(&key, &keys[to - 1]); to--)
            keys[to] = keys[to - 1];
        keys[to] = key;
    }
}

static void add_key(struct json_encoder *e, int at)
{
    struct slice text = json_encode_text(e, at);

    if (e->keys_n == e->keys_cap) {
        bool is_inline = e->keys == e->keys_inline;
        e->keys_cap *= 2;
        e->keys = mem_realloc(is_inline ? NULL : e->keys, e->keys_cap * sizeof *e->keys);
        if (is_inline)
            memcpy(e->keys, e->keys_inline, sizeof e->keys_inline);
    }
    e->keys[e->keys_n++] = (struct json_key){prefix_of(text), text, at};
}

static bool is_column(lua_State *L, int columns, int key)
{
    lua_pushvalue(L, key);
    bool yes = lua_rawget(L, columns) == LUA_TNUMBER; /* under a number the list has a name */
    lua_pop(L, 1);
    return yes;
}

/* From the first member on, which is on top. Keys and values are left on the stack, in the table's order, and the keys
 * noted in e->keys. */
static int collect(struct json_encoder *e, int at, int columns, bool *too_many)
{
    lua_State *L = e->L;
    int key = lua_gettop(L) - 1;
    unsigned n = 0;

    do {
        if (lua_type(L, key) != LUA_TSTRING)
            return json_encode_refuse_table(e, JSON_MIXED_KEYS);
        if (columns != 0 && is_column(L, columns, key)) {
            lua_settop(L, key);
            continue;
        }
        *too_many = n == SORTED_MAX;
        if (*too_many)
            return 0;
        if (++n % STACK_STEP == 0 && !lua_checkstack(L, 3 * STACK_STEP))
            return json_encode_refuse_table(e, "out of memory");
        add_key(e, key);
        lua_pushvalue(L, key);
        key += 2;
    } while (lua_next(L, at) != 0);
    return 0;
}

static int encode_collected(struct json_encoder *e, unsigned start, char *before)
{
    unsigned end = e->keys_n;

    if (end - start > 1)
        sort(e->keys + start, end - start);
    for (unsigned i = start; i < end; i++) /* e->keys may move while a member is written */
        if (json_encode_member(e, e->keys[i].at, e->keys[i].text, before) != 0)
            return -1;
    return 0;
}

static int encode_as_they_come(struct json_encoder *e, int at, int columns, char *before)
{
    lua_State *L = e->L;
    int key = lua_gettop(L) + 1;

    lua_pushnil(L);
    while (lua_next(L, at) != 0) {
        if (lua_type(L, key) != LUA_TSTRING)
            return json_encode_refuse_table(e, JSON_MIXED_KEYS);
        if ((columns == 0 || !is_column(L, columns, key)) &&
            json_encode_member(e, key, json_encode_text(e, key), before) != 0)
            return -1;
        lua_settop(L, key);
    }
    return 0;
}

int json_encode_sorted(struct json_encoder *e, int at, int columns, char *before)
{
    unsigned start = e->keys_n;
    int top = lua_gettop(e->L) - 2;
    bool too_many = false;

    if (collect(e, at, columns, &too_many) != 0)
        return -1;
    if (too_many)
        lua_settop(e->L, top);
    int rc = too_many ? encode_as_they_come(e, at, columns, before) : encode_collected(e, start, before);
    e->keys_n = start;
    return rc;
}
