#ifndef HTTP_CALLER_H
#define HTTP_CALLER_H
/* Who calls: what a token said, once it was believed. Lives in the arena of its request; req->caller is NULL for nobody. */
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct caller {
    struct slice id, email, role;
    struct slice scopes;  /* names with one space between them, as in the claim (RFC 8693 4.2); n 0: none */
    struct slice session; /* the family of refresh tokens that it was signed in with; n 0: none */
    uint64_t expires;     /* Unix seconds; 0: never */
    struct slice
        issuer; /* n 0: we signed it; else who did ("unnamed" where no name is configured), whose subject is not our id */
    struct slice subject; /* with an issuer */
    bool pending;         /* nobody has said yet which user that subject is: it is the id, the rest is empty */
    bool by_cookie;       /* the browser sent it on its own: such a request may be forged by another site */
};
#endif
