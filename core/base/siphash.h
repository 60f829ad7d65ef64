#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H
/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash whose collisions nobody finds who does not know the key. For tables
 * whose keys come from strangers. */
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *p, size_t n);
#endif
