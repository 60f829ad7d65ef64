#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H
/* Internet addresses as bytes, and networks of them. An IPv4 address in IPv6's clothes (::ffff:192.0.2.1, as a socket that
 * listens on both gives it) is the IPv4 address. */
#include "base/slice.h"
#include <stdint.h>

enum address_kind { ADDRESS_UNKNOWN = 0, ADDRESS_NONE, ADDRESS_V4, ADDRESS_V6 }; /* NONE: asked for, and there is none */
enum { ADDRESS_TEXT_MAX = 46, ADDRESS_NETWORKS_MAX = 64 };

struct address {
    uint8_t bytes[16]; /* in the order of the wire; of IPv4 the first four */
    uint8_t kind;      /* enum address_kind */
};

struct address_network {
    struct address base;
    unsigned bits;
};

struct address_set {
    unsigned n;
    struct address_network list[ADDRESS_NETWORKS_MAX];
};

struct sockaddr;
/* NONE for a family without addresses, a Unix socket's. */
struct address address_of(const struct sockaddr *from);
/* "192.0.2.1", "2001:db8::1", and as proxies write them: "192.0.2.1:8080", "[2001:db8::1]", "[2001:db8::1]:443". False: it
 * is none of these, and *out is NONE. */
bool address_parse(struct slice text, struct address *out);
size_t address_write(const struct address *a, char out[static ADDRESS_TEXT_MAX]); /* 0 for NONE; ends with a NUL */

/* "192.0.2.0/24", or one address. False: it is none, or has bits beyond its prefix. */
bool address_network_parse(struct slice text, struct address_network *out);
/* Networks with a line break between them. False: one is malformed, or there are too many; the set is then empty. */
bool address_set_parse(struct slice lines, struct address_set *out);
bool address_set_has(const struct address_set *set, const struct address *a);
#endif
