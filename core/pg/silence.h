#ifndef PG_SILENCE_H
#define PG_SILENCE_H
/* Servers of a connection string that let an attempt to connect run into its deadline. A machine that is gone answers
 * nothing at all, and trying it first would cost that deadline for each connection: so it is tried last for a while. */
#include "pg/lookup.h"

enum { SILENCE_MAX = 8, SILENCE_MS = 30000 };

struct silence {
    struct {
        char server[160];
        uint64_t until_ms; /* on the loop's clock */
    } known[SILENCE_MAX];
};

void silence_note(struct silence *s, const struct lookup_target *t, uint64_t now_ms);
bool silence_is_known(const struct silence *s, const struct lookup_target *t, uint64_t now_ms);
#endif
