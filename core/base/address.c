#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static unsigned bits_of(const struct address *a)
{
    return a->kind == ADDRESS_V4 ? 32 : 128;
}

static struct address from_v6(const uint8_t bytes[static 16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct address a = {.kind = ADDRESS_V6};
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        a.kind = ADDRESS_V4;
        memcpy(a.bytes, bytes + 12, 4);
    } else {
        memcpy(a.bytes, bytes, 16);
    }
    return a;
}

struct address address_of(const struct sockaddr *from)
{
    struct address a = {.kind = ADDRESS_NONE};
    if (from->sa_family == AF_INET) {
        a.kind = ADDRESS_V4;
        memcpy(a.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        return from_v6(((const struct sockaddr_in6 *)(const void *)from)->sin6_addr.s6_addr);
    }
    return a;
}

/* Of IPv6 in brackets, and of IPv4 with a port, the address alone. */
static struct slice without_port(struct slice s)
{
    if (s.n > 0 && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        size_t rest = end != NULL ? s.n - (size_t)(end - s.p) - 1 : 0;
        if (end == NULL || (rest > 0 && end[1] != ':'))
            return slice_of(s.p, 0);
        return slice_of(s.p + 1, (size_t)(end - s.p) - 1);
    }
    const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
    if (colon != NULL && memchr(colon + 1, ':', s.n - (size_t)(colon - s.p) - 1) == NULL)
        s.n = (size_t)(colon - s.p);
    return s;
}

static bool parse_bare(struct slice s, struct address *out)
{
    char text[ADDRESS_TEXT_MAX];
    uint8_t bytes[16];
    *out = (struct address){.kind = ADDRESS_NONE};
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, out->bytes) == 1)
        out->kind = ADDRESS_V4;
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *out = from_v6(bytes);
    return out->kind != ADDRESS_NONE;
}

bool address_parse(struct slice text, struct address *out)
{
    return parse_bare(without_port(text), out);
}

size_t address_write(const struct address *a, char out[static ADDRESS_TEXT_MAX])
{
    out[0] = '\0';
    if (a->kind != ADDRESS_V4 && a->kind != ADDRESS_V6)
        return 0;
    inet_ntop(a->kind == ADDRESS_V4 ? AF_INET : AF_INET6, a->bytes, out, ADDRESS_TEXT_MAX);
    return strlen(out);
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool read_bits(struct slice s, unsigned max, unsigned *out)
{
    *out = 0;
    if (s.n == 0 || s.n > 3)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(s.p[i] - '0');
    }
    return *out <= max;
}

/* 10.0.0.1/8 is a slip of the pen: which of the two was meant is anybody's guess. */
static bool is_base(const struct address_network *net)
{
    static const uint8_t zero[16];
    for (unsigned i = net->bits; i < bits_of(&net->base); i++)
        if ((net->base.bytes[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    return net->bits > 0 || memcmp(net->base.bytes, zero, sizeof zero) == 0;
}

bool address_network_parse(struct slice text, struct address_network *out)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    struct slice address = slash != NULL ? slice_of(text.p, (size_t)(slash - text.p)) : text;
    if (!parse_bare(address, &out->base))
        return false;
    out->bits = bits_of(&out->base);
    if (slash == NULL)
        return true;
    return read_bits(slice_of(slash + 1, text.n - address.n - 1), out->bits, &out->bits) && is_base(out);
}

bool address_set_parse(struct slice lines, struct address_set *out)
{
    out->n = 0;
    while (lines.n > 0) {
        const char *end = memchr(lines.p, '\n', lines.n);
        struct slice line = slice_of(lines.p, end != NULL ? (size_t)(end - lines.p) : lines.n);
        size_t used = line.n + (end != NULL);
        if (out->n == ADDRESS_NETWORKS_MAX || !address_network_parse(line, &out->list[out->n])) {
            out->n = 0;
            return false;
        }
        out->n++;
        lines = slice_of(lines.p + used, lines.n - used);
    }
    return true;
}

bool address_set_has(const struct address_set *set, const struct address *a)
{
    for (unsigned i = 0; i < set->n; i++) {
        const struct address_network *net = &set->list[i];
        if (net->base.kind == a->kind && same_bits(net->base.bytes, a->bytes, net->bits))
            return true;
    }
    return false;
}
