#include "pg/lookup.h"
#include <netdb.h>
#include <stdio.h>

static struct slice list_item(const char *list, unsigned index)
{
    while (list && index-- > 0) {
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    return list ? slice_of(list, strcspn(list, ",")) : slice_of("", 0);
}

static unsigned list_count(const char *list)
{
    unsigned n = list && *list ? 1 : 0;

    for (; n > 0 && *list; list++)
        n += *list == ',';
    return n;
}

static void add_to(struct buf *list, bool first, struct slice item)
{
    if (!first)
        buf_char(list, ',');
    buf_slice(list, item);
}

static void add_target(struct lookup *l, const struct lookup_host *h, struct slice address)
{
    bool first = l->addresses == 0;

    if (l->addresses == LOOKUP_ADDRESSES_MAX)
        return;
    l->addresses++;
    add_to(&l->host, first, h->name);
    add_to(&l->hostaddr, first, address);
    add_to(&l->port, first, h->port);
}

/* A path or an abstract socket, nothing at all (libpq's own default), or a number: no name to look up. */
static bool needs_no_lookup(const struct lookup_host *h)
{
    char text[64];
    unsigned char binary[16];

    if (h->address.n > 0 || h->name.n == 0 || h->name.p[0] == '/' || h->name.p[0] == '@')
        return true;
    if (h->name.n >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)h->name.n, h->name.p);
    return uv_inet_pton(AF_INET, text, binary) == 0 || uv_inet_pton(AF_INET6, text, binary) == 0;
}

static bool ask_next(struct lookup *l);

static void on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct lookup *l = req->data;
    struct lookup_host *h = &l->hosts[l->at++];
    char text[INET6_ADDRSTRLEN + 1];

    l->asking = false;
    if (status != 0)
        snprintf(l->err, sizeof l->err, "could not find the host %.*s: %s", (int)(h->name.n > 64 ? 64 : h->name.n),
                 h->name.p, uv_strerror(status));
    for (struct addrinfo *a = status == 0 ? list : NULL; a; a = a->ai_next)
        if (uv_ip_name(a->ai_addr, text, sizeof text) == 0)
            add_target(l, h, slice_str(text));
    uv_freeaddrinfo(list);
    if (status == UV_ECANCELED || ask_next(l))
        l->fn(l);
}

/* True when there is nothing left to ask. */
static bool ask_next(struct lookup *l)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char name[NI_MAXHOST];
    int rc;

    for (; l->at < l->n; l->at++) {
        struct lookup_host *h = &l->hosts[l->at];
        if (needs_no_lookup(h)) {
            add_target(l, h, h->address);
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)h->name.n, h->name.p);
        l->req.data = l;
        rc = uv_getaddrinfo(l->loop, &l->req, on_answer, name, NULL, &hints);
        if (rc == 0) {
            l->asking = true;
            return false;
        }
        snprintf(l->err, sizeof l->err, "could not look up a host: %s", uv_strerror(rc));
    }
    buf_char(&l->host, '\0');
    buf_char(&l->hostaddr, '\0');
    buf_char(&l->port, '\0');
    return true;
}

static const char *keep(struct lookup *l, const char *text)
{
    size_t at = l->texts.n;

    if (text == NULL)
        return NULL;
    buf_append(&l->texts, text, strlen(text) + 1);
    return l->texts.p + at;
}

bool lookup_start(struct lookup *l, uv_loop_t *loop, const char *host, const char *hostaddr, const char *port, lookup_fn fn)
{
    size_t bytes = strlen(host ? host : "") + strlen(hostaddr ? hostaddr : "") + strlen(port ? port : "") + 3;
    unsigned ports = list_count(port), n;

    *l = (struct lookup){.loop = loop, .fn = fn};
    buf_reserve(&l->texts, bytes); /* so that the slices into it stay */
    host = keep(l, host);
    hostaddr = keep(l, hostaddr);
    port = keep(l, port);
    n = list_count(host) > list_count(hostaddr) ? list_count(host) : list_count(hostaddr);
    l->n = n == 0 ? 1 : n > LOOKUP_HOSTS_MAX ? LOOKUP_HOSTS_MAX : n;
    for (unsigned i = 0; i < l->n; i++)
        l->hosts[i] = (struct lookup_host){list_item(host, i), list_item(hostaddr, i), list_item(port, ports == 1 ? 0 : i)};
    return ask_next(l);
}

void lookup_free(struct lookup *l)
{
    buf_free(&l->texts);
    buf_free(&l->host);
    buf_free(&l->hostaddr);
    buf_free(&l->port);
}
