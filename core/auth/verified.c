#include "auth/verified.h"

#include "base/mem.h"
#include "base/random.h"
#include <openssl/crypto.h>
#include <stdlib.h>

enum { BUCKETS = 4096, HASHED_BYTES = 32 };

struct verified_cache {
    struct list recent; /* the one that was seen last is first */
    struct list buckets[BUCKETS];
    size_t bytes, bytes_max, count;
    uint64_t seed;
};

struct verified_cache *verified_new(size_t bytes_max)
{
    struct verified_cache *c = mem_zalloc(sizeof *c);
    c->bytes_max = bytes_max;
    c->seed = random_u64() | 1;
    list_init(&c->recent);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&c->buckets[i]);
    return c;
}

static void drop(struct verified_cache *c, struct verified *v)
{
    list_remove(&v->link);
    list_remove(&v->bucket);
    c->bytes -= v->bytes;
    c->count--;
    free((void *)(uintptr_t)v->user.p);
    OPENSSL_cleanse(v->text, v->token.n);
    free(v);
}

void verified_free(struct verified_cache *c)
{
    if (c == NULL)
        return;
    for (struct list *l; (l = list_first(&c->recent)) != NULL;)
        drop(c, LIST_OF(l, struct verified, link));
    free(c);
}

/* A token ends with its signature, as good a hash of the rest as there is; only tokens that were found right come in here,
 * so nobody can choose where theirs go. The seed is for issuers whom we would not trust with that. */
static uint64_t hash_of(const struct verified_cache *c, struct slice token)
{
    uint64_t h = c->seed ^ token.n, word;
    size_t n = token.n < HASHED_BYTES ? token.n : HASHED_BYTES;
    const char *p = token.p + token.n - n;
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h ^ c->seed;
}

struct verified *verified_find(struct verified_cache *c, struct slice token, uint64_t now_s, bool *expired)
{
    uint64_t hash = hash_of(c, token);
    struct list *bucket = &c->buckets[hash % BUCKETS];
    *expired = false;
    for (struct list *l = bucket->next; l != bucket; l = l->next) {
        struct verified *v = LIST_OF(l, struct verified, bucket);
        if (v->hash != hash || v->token.n != token.n || CRYPTO_memcmp(v->token.p, token.p, token.n) != 0)
            continue;
        if (v->expires + TOKEN_LEEWAY_S > now_s) {
            list_remove(&v->link);
            list_push_front(&c->recent, &v->link);
            return v;
        }
        *expired = true;
        drop(c, v);
        return NULL;
    }
    return NULL;
}

static struct slice put(char **at, struct slice s)
{
    char *p = *at;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return slice_of(p, s.n);
}

static void make_room(struct verified_cache *c, const struct verified *keep)
{
    while (c->bytes > c->bytes_max) {
        struct verified *oldest = LIST_OF(c->recent.prev, struct verified, link);
        if (oldest == keep)
            return;
        drop(c, oldest);
    }
}

struct verified *verified_add(struct verified_cache *c, struct slice token, const struct token *t)
{
    size_t n = token.n + t->subject.n + t->email.n + t->role.n + t->scopes.n + t->session.n;
    if (sizeof(struct verified) + n > c->bytes_max)
        return NULL;
    struct verified *v = mem_zalloc(sizeof *v + n);
    char *at = v->text;
    v->bytes = sizeof *v + n;
    v->hash = hash_of(c, token);
    v->token = put(&at, token);
    v->id = put(&at, t->subject);
    v->email = put(&at, t->email);
    v->role = put(&at, t->role);
    v->scopes = put(&at, t->scopes);
    v->session = put(&at, t->session);
    v->expires = t->expires;
    v->external = t->issuer->external;
    list_init(&v->link);
    list_init(&v->bucket);
    list_push_front(&c->recent, &v->link);
    list_push_front(&c->buckets[v->hash % BUCKETS], &v->bucket);
    c->bytes += v->bytes;
    c->count++;
    make_room(c, v);
    return v;
}

void verified_name(struct verified_cache *c, struct verified *v, const struct slice parts[static 4], uint64_t until_s)
{
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        n += parts[i].n;
    char *text = mem_alloc(n + 1), *at = text;
    c->bytes -= v->user.n;
    v->bytes -= v->user.n;
    for (int i = 0; i < 4; i++)
        v->user_parts[i] = put(&at, parts[i]);
    free((void *)(uintptr_t)v->user.p);
    v->user = slice_of(text, n);
    v->known_s = until_s;
    c->bytes += n;
    v->bytes += n;
    make_room(c, v);
}
