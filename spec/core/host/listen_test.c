#include "core/host/listen.c"
#include "spec/core/test.h"

static char err[ERR_MAX];

static void close_all(int fds[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
}

static int port_at(int fd)
{
    struct address a = {.n = sizeof a.at};
    getsockname(fd, (struct sockaddr *)&a.at, &a.n);
    return ntohs(*port_of(&a));
}

TEST("port 0 picks one port for all sockets")
{
    int fds[4];
    int port = listen_bind("127.0.0.1", 0, 4, fds, err);
    CHECK(port > 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(port_at(fds[i]), port);
    close_all(fds, 4);
}

TEST("a port on which somebody listens is refused by its number, also when that somebody shares it")
{
    int fds[1], more[1];
    int port = listen_bind("127.0.0.1", 0, 1, fds, err);
    CHECK(listen(fds[0], 1) == 0);
    CHECK_INT(listen_bind("127.0.0.1", port, 1, more, err), -1);
    char want[64];
    snprintf(want, sizeof want, "port %d on 127.0.0.1 is in use", port);
    CHECK(strncmp(err, want, strlen(want)) == 0);
    close_all(fds, 1);
    CHECK_INT(listen_bind("127.0.0.1", port, 1, more, err), port);
    close_all(more, 1);
}

TEST("localhost means 127.0.0.1 where it has both")
{
    int fds[1];
    struct address a = {.n = sizeof a.at};
    CHECK(listen_bind("localhost", 0, 1, fds, err) > 0);
    getsockname(fds[0], (struct sockaddr *)&a.at, &a.n);
    CHECK_INT(a.at.ss_family, AF_INET);
    close_all(fds, 1);
}

TEST("an address of another machine and a name of none are told apart")
{
    int fds[1];
    CHECK_INT(listen_bind("192.0.2.1", 0, 1, fds, err), -1);
    CHECK_STR(err, strlen(err), "192.0.2.1 is not an address of this machine");
    CHECK_INT(listen_bind("no such host", 0, 1, fds, err), -1);
    CHECK(strncmp(err, "HOST no such host: ", 19) == 0);
}
