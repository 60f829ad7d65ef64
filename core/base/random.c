#include "base/random.h"
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

/* RFC 9562 5.4: version 4 and its variant are in the bits; the others are random. */
static void put_uuid(char *out, unsigned char bytes[static UUID_BYTES])
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    uuid_write(out, bytes);
}

void random_uuid(char out[static UUID_TEXT])
{
    unsigned char bytes[UUID_BYTES];

    random_bytes(bytes, sizeof bytes);
    put_uuid(out, bytes);
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

void random_label(char out[static UUID_TEXT])
{
    while ((label[0] | label[1] | label[2] | label[3]) == 0)
        random_bytes(label, sizeof label);
    unsigned char bytes[UUID_BYTES];
    for (int i = 0; i < 2; i++) {
        uint64_t v = next_label();
        memcpy(bytes + 8 * i, &v, sizeof v);
    }
    put_uuid(out, bytes);
}
