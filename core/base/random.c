#include "base/random.h"
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* One page per thread: the thread pool draws salts while the loop draws request ids. */
enum { PAGE = 1024 };
static _Thread_local unsigned char page[PAGE];
static _Thread_local size_t left;       /* unused bytes, at the end of the page */
static _Thread_local uint64_t label[4]; /* all zero: not seeded */

static void draw(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf(stderr, "neap: getrandom: %s\n", strerror(errno));
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

void random_bytes(void *out, size_t n)
{
    if (n > PAGE / 4) {
        draw(out, n);
        return;
    }
    if (n > left) {
        draw(page, PAGE);
        left = PAGE;
    }
    unsigned char *from = page + (PAGE - left);
    memcpy(out, from, n);
    memset(from, 0, n); /* what was handed out must not be found in memory later */
    left -= n;
}

void random_forget(void)
{
    explicit_bzero(page, sizeof page);
    left = 0;
    memset(label, 0, sizeof label);
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof v);
    return v;
}

/* Eight hexadecimal digits: a nibble to each byte, and 39 more to those that are letters. */
static void put_hex(char *out, uint32_t v)
{
    uint64_t x = v;

    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
    x += 0x3030303030303030 + ((x + 0x0606060606060606) >> 4 & 0x0101010101010101) * 39;
    x = htobe64(x);
    memcpy(out, &x, sizeof x);
}

/* RFC 9562 5.4: version 4 and its variant are in the bits; the others are random. */
static void put_uuid(char *out, uint64_t high, uint64_t low)
{
    char digits[32];

    high = (high & ~(uint64_t)0xf000) | 0x4000;
    low = (low & ~((uint64_t)3 << 62)) | (uint64_t)1 << 63;
    put_hex(digits, (uint32_t)(high >> 32));
    put_hex(digits + 8, (uint32_t)high);
    put_hex(digits + 16, (uint32_t)(low >> 32));
    put_hex(digits + 24, (uint32_t)low);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

void random_uuid(char out[static RANDOM_UUID_BYTES])
{
    uint64_t v[2];

    random_bytes(v, sizeof v);
    put_uuid(out, v[0], v[1]);
}

static uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

/* xoshiro256** (Blackman and Vigna, 2018), seeded by the kernel. */
static uint64_t next_label(void)
{
    uint64_t *s = label, v = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return v;
}

void random_label(char out[static RANDOM_UUID_BYTES])
{
    while ((label[0] | label[1] | label[2] | label[3]) == 0)
        random_bytes(label, sizeof label);
    uint64_t high = next_label();
    put_uuid(out, high, next_label());
}
