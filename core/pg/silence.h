#ifndef PG_SILENCE_H
#define PG_SILENCE_H
/* Servers of a connection string that let an attempt to connect run into its deadline. A machine that is gone answers
 * nothing at all, and trying it first would cost that deadline for each connection: so it is tried last for a while. */
#include "pg/lookup.h"

/* SILENCE_MAX: servers; few connection strings name more than three. SILENCE_NAME_BYTES: 80 of a name, or an address
 * with its zone, two blanks, a port of 16 bytes at most, and some to spare. */
enum { SILENCE_MAX = 8, SILENCE_MS = 30000, SILENCE_NAME_BYTES = 160 };

struct silence {
    struct {
        char server[SILENCE_NAME_BYTES];
        uint64_t until_ms; /* on the loop's clock */
    } known[SILENCE_MAX];
};

/* It did not answer in time: for SILENCE_MS it is one that does not. Of more than SILENCE_MAX the oldest is forgotten. */
void silence_note(struct silence *s, const struct lookup_target *t, uint64_t now_ms);
bool silence_is_known(const struct silence *s, const struct lookup_target *t, uint64_t now_ms);
#endif
