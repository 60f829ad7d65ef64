#ifndef AUTH_VERIFIED_H
#define AUTH_VERIFIED_H
/* Tokens that were found right, kept until they expire: the next request with one costs a hash and a comparison, not a
 * signature. Bounded; the one that was not seen for the longest time makes room. */
#include "auth/token.h"
#include "base/list.h"

struct verified { /* one token */
    struct list link, bucket;
    uint64_t hash;
    struct slice token; /* all slices are into `text` */
    struct slice id, email, role, scopes, session;
    uint64_t expires;  /* Unix seconds */
    bool external;     /* id is the issuer's subject until the application has named the user */
    uint64_t known_s;  /* external: until when the user is known; 0: not yet */
    struct slice user; /* external: id, email, role and scopes of the user, one after the other, in memory of its own */
    struct slice user_parts[4];
    size_t bytes;
    char text[];
};

struct verified_cache;
struct verified_cache *verified_new(size_t bytes_max);
void verified_free(struct verified_cache *c); /* NULL is fine */
/* NULL: not here. What is past its time is here until it is asked for, and dropped then: *expired says so. */
struct verified *verified_find(struct verified_cache *c, struct slice token, uint64_t now_s, bool *expired);
/* Keeps what was read of it. NULL when it is larger than the whole. Valid until the next call. */
struct verified *verified_add(struct verified_cache *c, struct slice token, const struct token *t);
/* The user behind an external subject, known until until_s. */
void verified_name(struct verified_cache *c, struct verified *v, const struct slice parts[static 4], uint64_t until_s);
#endif
