#include "core/base/siphash.c"
#include "spec/core/test.h"

/* The key of the paper's appendix A, bytes 00 to 0f, and its messages 00, 00 01, 00 01 02 ... */
static const struct siphash_key paper = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

TEST("the paper's own vectors come out")
{
    static const struct {
        size_t n;
        uint64_t hash;
    } all[] = {{0, 0x726fdb47dd0e0e31u},
               {1, 0x74f839c593dc67fdu},
               {7, 0xab0200f58b01d137u},
               {8, 0x93f5f5799a932462u},
               {15, 0xa129ca6149be45e5u}};
    unsigned char message[16];
    for (unsigned char i = 0; i < sizeof message; i++)
        message[i] = i;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CHECK(siphash(&paper, message, all[i].n) == all[i].hash);
}

TEST("another key gives another hash")
{
    struct siphash_key other = {paper.k0 ^ 1, paper.k1};
    CHECK(siphash(&other, "abc", 3) != siphash(&paper, "abc", 3));
}
