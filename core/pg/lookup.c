#include "pg/lookup.h"
#include <netdb.h>
#include <stdio.h>

static unsigned list_count(const char *list)
{
    unsigned n = list && *list ? 1 : 0;

    for (; n > 0 && *list; list++)
        n += *list == ',';
    return n;
}

/* Of a list whose commas are NULs by now. "" when it is shorter. */
static const char *list_item(const char *list, unsigned count, unsigned index)
{
    if (index >= count)
        return "";
    while (index-- > 0)
        list += strlen(list) + 1;
    return list;
}

static void add_target(struct lookup *l, const struct lookup_host *h, const char *address)
{
    struct lookup_target *t = &l->targets[l->count];

    if (l->count == LOOKUP_TARGETS_MAX)
        return;
    l->count++;
    t->name = h->name;
    t->port = h->port;
    snprintf(t->address, sizeof t->address, "%s", address);
}

/* A path or an abstract socket, nothing at all (libpq's own default), or a number: no name to look up. */
static bool needs_no_lookup(const struct lookup_host *h)
{
    unsigned char binary[16];

    if (h->address[0] || h->name[0] == '\0' || h->name[0] == '/' || h->name[0] == '@')
        return true;
    return uv_inet_pton(AF_INET, h->name, binary) == 0 || uv_inet_pton(AF_INET6, h->name, binary) == 0;
}

static bool ask_next(struct lookup *l);

static void on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct lookup *l = req->data;
    struct lookup_host *h = &l->hosts[l->at++];
    char text[INET6_ADDRSTRLEN + 1];

    l->asking = false;
    if (status != 0)
        snprintf(l->err, sizeof l->err, "could not find the host %.64s: %s", h->name, uv_strerror(status));
    for (struct addrinfo *a = status == 0 ? list : NULL; a; a = a->ai_next)
        if (uv_ip_name(a->ai_addr, text, sizeof text) == 0)
            add_target(l, h, text);
    uv_freeaddrinfo(list);
    if (status == UV_ECANCELED || ask_next(l))
        l->fn(l);
}

/* True when there is nothing left to ask. */
static bool ask_next(struct lookup *l)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int rc;

    for (; l->at < l->n; l->at++) {
        struct lookup_host *h = &l->hosts[l->at];
        if (needs_no_lookup(h)) {
            add_target(l, h, h->address);
            continue;
        }
        l->req.data = l;
        rc = uv_getaddrinfo(l->loop, &l->req, on_answer, h->name, NULL, &hints);
        if (rc == 0) {
            l->asking = true;
            return false;
        }
        snprintf(l->err, sizeof l->err, "could not look up a host: %s", uv_strerror(rc));
    }
    return true;
}

/* A copy in which NULs stand for the commas. */
static const char *keep(struct lookup *l, const char *text)
{
    size_t at = l->texts.n;

    buf_append(&l->texts, text, strlen(text) + 1);
    for (char *p = l->texts.p + at; *p; p++)
        if (*p == ',')
            *p = '\0';
    return l->texts.p + at;
}

bool lookup_start(struct lookup *l, uv_loop_t *loop, const char *host, const char *hostaddr, const char *port, lookup_fn fn)
{
    unsigned names = list_count(host), addresses = list_count(hostaddr), ports = list_count(port);
    unsigned n = names > addresses ? names : addresses;

    *l = (struct lookup){.loop = loop, .fn = fn};
    host = host ? host : "";
    hostaddr = hostaddr ? hostaddr : "";
    port = port ? port : "";
    buf_reserve(&l->texts, strlen(host) + strlen(hostaddr) + strlen(port) + 3); /* so that what points into it stays true */
    host = keep(l, host);
    hostaddr = keep(l, hostaddr);
    port = keep(l, port);
    l->n = n == 0 ? 1 : n > LOOKUP_HOSTS_MAX ? LOOKUP_HOSTS_MAX : n;
    for (unsigned i = 0; i < l->n; i++)
        l->hosts[i] = (struct lookup_host){list_item(host, names, i), list_item(hostaddr, addresses, i),
                                           list_item(port, ports, ports == 1 ? 0 : i)};
    return ask_next(l);
}

void lookup_free(struct lookup *l)
{
    buf_free(&l->texts);
}
