/* Heads broken at random, the same way each time: whatever head_scan takes must be the one thing that any parser reads
 * there. The judge below is written from the RFC and not from the scanner. */
#include "core/http/head.c"
#include "spec/core/test.h"

#include <stdlib.h>

enum { ROUNDS = 60000, TEXT_MAX = 1024 };

static const char *const seeds[] = {
    "GET /a/b?c=%20d HTTP/1.1\r\nHost: a.example:80\r\nAccept: */*\r\n\r\n",
    "POST /tasks HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 15\r\nContent-Type: application/json\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    "GET http://b.example/p?q HTTP/1.1\r\nHost: b.example\r\nConnection: keep-alive, close\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\nX-Request-ID: abc\r\n\r\n",
};
static const char *const spice[] = {"\r",
                                    "\n",
                                    "\r\n",
                                    " ",
                                    "\t",
                                    ":",
                                    "\r\n ",
                                    "\r\n\r\n",
                                    "Host: b\r\n",
                                    "%00",
                                    "#",
                                    "HTTP/1.1",
                                    "Content-Length: 5\r\n",
                                    "Transfer-Encoding: chunked\r\n",
                                    ",",
                                    "\x80",
                                    "\x7f",
                                    ";"};

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static size_t dice(size_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % n);
}

static size_t splice(char *p, size_t n, size_t at, size_t drop, const char *add, size_t add_n)
{
    if (n - drop + add_n > TEXT_MAX)
        return n;
    memmove(p + at + add_n, p + at + drop, n - at - drop);
    memcpy(p + at, add, add_n);
    return n - drop + add_n;
}

static size_t mutate(char *p, size_t n)
{
    size_t at = dice(n), left = n - at;
    char byte = (char)dice(256);
    const char *extra = spice[dice(sizeof spice / sizeof *spice)];
    switch (dice(5)) {
    case 0:
        p[at] = byte;
        return n;
    case 1:
        return splice(p, n, at, 0, &byte, 1);
    case 2:
        return n > 1 ? splice(p, n, at, 1 + dice(left < 8 ? left : 8) - (left == n ? 1 : 0), "", 0) : n;
    case 3:
        return splice(p, n, at, 0, extra, strlen(extra));
    default:
        return splice(p, n, at, left < strlen(extra) ? left : strlen(extra), extra, strlen(extra));
    }
}

static bool has_prefix_nocase(const char *line, size_t n, const char *prefix)
{
    return n >= strlen(prefix) && strncasecmp(line, prefix, strlen(prefix)) == 0;
}

/* Line ends, controls, folds, blanks in the request line: what must hold for each head that was taken. */
static bool is_canonical(const char *p, size_t n)
{
    unsigned hosts = 0, lengths = 0, codings = 0, blanks = 0, lines = 0;
    if (n >= 2 && memcmp(p, "\r\n", 2) == 0)
        p += 2, n -= 2;
    const char *end = p + n;
    bool is_old = false;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        if (eol == NULL || eol == p || eol[-1] != '\r')
            return false;
        size_t line_n = (size_t)(eol - p) - 1;
        for (size_t i = 0; i < line_n; i++) {
            unsigned char c = (unsigned char)p[i];
            if ((c < 0x20 && c != '\t') || c == 0x7f || (lines == 0 && (c > 0x7e || c == '#' || c == '"')))
                return false;
            blanks += lines == 0 && c == ' ';
        }
        if (line_n == 0) /* the blank line is the last and not the first */
            return lines > 0 && eol + 1 == end && blanks == 2 && hosts <= 1 && (hosts == 1 || is_old) &&
                   lengths + codings <= 1 && !(is_old && codings > 0);
        if (p[0] == ' ' || p[0] == '\t' || p[0] == ':')
            return false;
        if (lines == 0)
            is_old = line_n > 8 && memcmp(p + line_n - 8, "HTTP/1.0", 8) == 0;
        else if (memchr(p, ':', line_n) == NULL)
            return false;
        hosts += has_prefix_nocase(p, line_n, "host:");
        lengths += has_prefix_nocase(p, line_n, "content-length:");
        codings += has_prefix_nocase(p, line_n, "transfer-encoding:");
        lines++;
        p = eol + 1;
    }
    return false;
}

static bool spans_are_inside(const struct head *h)
{
    bool ok = h->target.at + h->target.n <= h->bytes && h->path.at + h->path.n <= h->bytes && h->path.n > 0 &&
              h->query.at + h->query.n <= h->bytes;
    for (unsigned i = 0; i < h->header_count; i++)
        ok = ok && h->headers[i].name.n > 0 && h->headers[i].value.at + h->headers[i].value.n <= h->bytes;
    return ok;
}

static enum head_status scan_copy(struct head *h, const char *p, size_t n, size_t *scanned)
{
    const char *why;
    char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, p, n);
    enum head_status status = head_scan(h, copy, n, scanned, &limits_default, &why);
    free(copy);
    return status;
}

static void report(const char *p, size_t n)
{
    printf("  input: ");
    for (size_t i = 0; i < n; i++)
        printf(p[i] >= ' ' && p[i] <= '~' ? "%c" : "\\x%02x", (unsigned char)p[i]);
    printf("\n");
}

TEST("of sixty thousand broken heads only canonical ones are taken, and in pieces the same ones")
{
    static struct head whole, pieces;
    unsigned taken = 0, refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char text[TEXT_MAX];
        const char *seed = seeds[dice(sizeof seeds / sizeof *seeds)];
        size_t n = strlen(seed), scanned = 0;
        memcpy(text, seed, n);
        for (size_t i = 1 + dice(3); i > 0; i--)
            n = mutate(text, n);
        enum head_status status = scan_copy(&whole, text, n, &scanned);
        bool sound = status != HEAD_OK || (whole.bytes <= n && is_canonical(text, whole.bytes) && spans_are_inside(&whole));
        if (!sound)
            report(text, n);
        CHECK(sound);
        taken += status == HEAD_OK;
        refused += status != HEAD_OK && status != HEAD_PARTIAL;

        scanned = 0;
        enum head_status again = scan_copy(&pieces, text, dice(n + 1), &scanned);
        if (again == HEAD_PARTIAL)
            again = scan_copy(&pieces, text, n, &scanned);
        /* A partial head that is not ripe is judged when it is whole, so only that verdict may come late. */
        sound = again == status || again == HEAD_PARTIAL;
        if (!sound)
            report(text, n);
        CHECK(sound);
        CHECK(status != HEAD_OK || (again == HEAD_OK && pieces.bytes == whole.bytes));
    }
    CHECK(taken > ROUNDS / 20 && refused > ROUNDS / 4);
}
