#include "host/listen.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct address {
    struct sockaddr_storage at;
    socklen_t n;
};

/* A name may have several addresses; people who write "localhost" mean 127.0.0.1 first. */
static int resolve(const char *host, int port, struct address *out, char err[static ERR_MAX])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list, *pick;
    char service[16];

    snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(host[0] ? host : NULL, service, &hints, &list);
    if (rc != 0)
        return fail(err, "HOST %s: %s", host, gai_strerror(rc));
    for (pick = list; pick && pick->ai_family != AF_INET; pick = pick->ai_next)
        ;
    if (pick == NULL)
        pick = list;
    memcpy(&out->at, pick->ai_addr, pick->ai_addrlen);
    out->n = pick->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static in_port_t *port_of(struct address *a)
{
    if (a->at.ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)&a->at)->sin6_port;
    return &((struct sockaddr_in *)&a->at)->sin_port;
}

static int open_socket(const struct address *a, bool reuse_port)
{
    int one = 1, fd = socket(a->at.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if ((reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) ||
        bind(fd, (const struct sockaddr *)&a->at, a->n) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int explain(const char *host, int port, char err[static ERR_MAX])
{
    if (errno == EADDRINUSE)
        return fail(err, "port %d on %s is in use: stop what listens there, or choose another with --port", port, host);
    if (errno == EACCES)
        return fail(err, "port %d on %s needs more rights: ports below 1024 belong to root", port, host);
    if (errno == EADDRNOTAVAIL)
        return fail(err, "%s is not an address of this machine", host);
    return fail(err, "cannot listen on %s port %d: %s", host, port, strerror(errno));
}

/* With SO_REUSEPORT a second server of the same user would bind without complaint and take half of the connections. So
 * the first socket is tried without it. */
static bool is_taken(const struct address *a)
{
    int fd = open_socket(a, false);
    if (fd < 0)
        return true;
    close(fd);
    return false;
}

static int bind_all(struct address *a, unsigned n, int fds[])
{
    for (unsigned i = 0; i < n; i++) {
        fds[i] = open_socket(a, true);
        if (fds[i] < 0) {
            int saved = errno;
            while (i > 0)
                close(fds[--i]);
            errno = saved;
            return -1;
        }
        if (i == 0 && getsockname(fds[0], (struct sockaddr *)&a->at, &a->n) < 0)
            return -1;
    }
    return 0;
}

int listen_bind(const char *host, int port, unsigned n, int fds[], char err[static ERR_MAX])
{
    struct address a = {0};
    if (resolve(host, port, &a, err) < 0)
        return -1;
    if ((port != 0 && is_taken(&a)) || bind_all(&a, n, fds) < 0)
        return explain(host, port, err);
    return ntohs(*port_of(&a));
}

/* ---- from a service manager ---- */

enum { INHERITED_FIRST = 3 };

static unsigned inherited_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    long n = pid && count && strtol(pid, NULL, 10) == (long)getpid() ? strtol(count, NULL, 10) : 0;

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n > 0 && n < 1024 ? (unsigned)n : 0;
}

/* Its port, or -1. */
static int inherited_port(int fd)
{
    struct address a = {.n = sizeof a.at};
    int type = 0;
    socklen_t type_n = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_n) < 0 || type != SOCK_STREAM ||
        getsockname(fd, (struct sockaddr *)&a.at, &a.n) < 0 || (a.at.ss_family != AF_INET && a.at.ss_family != AF_INET6))
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return ntohs(*port_of(&a));
}

int listen_inherited(unsigned n, int fds[], char err[static ERR_MAX])
{
    unsigned count = inherited_count();
    int port = 0;

    if (count > n)
        return fail(err, "LISTEN_FDS: %u sockets for %u workers", count, n);
    for (unsigned i = 0; i < count; i++) {
        fds[i] = INHERITED_FIRST + (int)i;
        port = inherited_port(fds[i]);
        if (port < 0)
            return fail(err, "LISTEN_FDS: number %u is no TCP socket", i + 1);
    }
    for (unsigned i = count; count > 0 && i < n; i++) {
        fds[i] = fcntl(fds[i % count], F_DUPFD_CLOEXEC, INHERITED_FIRST);
        if (fds[i] < 0)
            return fail(err, "LISTEN_FDS: %s", strerror(errno));
    }
    return port;
}
