#include "base/random.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* One page per thread: the thread pool draws salts while the loop draws request ids. */
enum { PAGE = 1024 };
static _Thread_local unsigned char page[PAGE];
static _Thread_local size_t left; /* unused bytes, at the end of the page */

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
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof v);
    return v;
}

void random_uuid(char out[static RANDOM_UUID_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char b[16];

    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 9562 5.4: version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* and the variant */
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[b[i] >> 4];
        *out++ = hex[b[i] & 15];
    }
}
