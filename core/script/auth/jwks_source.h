#ifndef SCRIPT_AUTH_JWKS_SOURCE_H
#define SCRIPT_AUTH_JWKS_SOURCE_H
/* The keys that an issuer publishes at a URL, one source per process: it outlives the engines, so that a reload does not
 * forget them. Fetched on the thread pool; who needs a key does not wait for it. */
#include "auth/jwk.h"
#include <uv.h>

enum {
    JWKS_GAP_MS = 30 * 1000,       /* between two attempts: strangers make up key ids */
    JWKS_AGE_MS_MAX = 3600 * 1000, /* then they are fetched again, so that a withdrawn key goes */
};

struct jwks_source;

/* The source of that URL, counted for the caller. The one of another URL goes when nobody has it any more. */
struct jwks_source *jwks_source_of(const char *url);
void jwks_source_release(struct jwks_source *s); /* NULL is fine */
/* Fetches unless it is under way or was tried a moment ago. True: an answer is on its way. */
bool jwks_source_fetch(struct jwks_source *s, uv_loop_t *loop);
/* Fetches when the keys are old. */
void jwks_source_freshen(struct jwks_source *s, uv_loop_t *loop);
const struct jwks *jwks_source_keys(const struct jwks_source *s); /* valid until the loop turns */
unsigned jwks_source_version(const struct jwks_source *s);        /* counts the changes; 0: there were never any keys */
#endif
