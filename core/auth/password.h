#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H
/* bcrypt, by libxcrypt. Both functions take as long as the cost says (12: a quarter of a second) and may run on any thread;
 * what they make of the password on the way is wiped. */
#include "base/slice.h"
#include <stdbool.h>

enum {
    PASSWORD_BYTES_MAX = 72, /* bcrypt sees no more: a longer one is refused, not cut */
    PASSWORD_HASH_BYTES = 60,
    PASSWORD_COST_MIN = 4,
    PASSWORD_COST_MAX = 16, /* four seconds; each step more doubles it */
};

enum password_status { PASSWORD_OK = 0, PASSWORD_WRONG, PASSWORD_TOO_LONG, PASSWORD_HAS_NUL, PASSWORD_FAILED };

/* PASSWORD_OK, or what makes it impossible to hash. */
enum password_status password_check(struct slice password) __attribute__((warn_unused_result));
/* "$2b$", with a salt of the system's. */
enum password_status password_hash(struct slice password, unsigned cost, char out[static PASSWORD_HASH_BYTES + 1])
    __attribute__((warn_unused_result));
/* Takes $2b$, and $2a$ and $2y$ of other libraries, which mean the same for what we accept ($2x$ is the broken one). A hash
 * of another form is PASSWORD_FAILED, at once. */
enum password_status password_verify(struct slice password, struct slice hash) __attribute__((warn_unused_result));
/* The cost in a hash of the forms above; 0: it is none. */
unsigned password_cost(struct slice hash);
bool password_is_current(struct slice hash, unsigned cost); /* $2b$ with that cost, or a higher one */
#endif
