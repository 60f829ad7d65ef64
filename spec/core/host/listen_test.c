#include "core/host/listen.c"
#include "spec/core/test.h"
#include <sys/wait.h>

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

/* As a service manager does: from 3 on. What is there already is the test runner's. */
static void hand_over(const int *given, unsigned n)
{
    char text[32];
    for (unsigned i = 0; i < n; i++)
        dup2(given[i], INHERITED_FIRST + (int)i);
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%u", n);
    setenv("LISTEN_FDS", text, 1);
}

/* In a child, whose descriptors are its own. */
static int in_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(check());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int listener(int *port)
{
    int fd;
    *port = listen_bind("127.0.0.1", 0, 1, &fd, err);
    listen(fd, 8);
    return fcntl(fd, F_DUPFD, 20);
}

static int check_shared(void)
{
    int port, fd = listener(&port), fds[3];
    hand_over(&fd, 1);
    if (listen_inherited(3, fds, err) != port || getenv("LISTEN_FDS") || getenv("LISTEN_PID"))
        return 1;
    for (int i = 0; i < 3; i++)
        if (port_at(fds[i]) != port || (fcntl(fds[i], F_GETFD) & FD_CLOEXEC) == 0)
            return 2;
    return fds[0] == fds[1] || fds[1] == fds[2] ? 3 : 0;
}

TEST("a socket that was handed over is shared by all workers")
{
    CHECK_INT(in_child(check_shared), 0);
}

static int check_each(void)
{
    int ports[2], given[2] = {listener(&ports[0]), listener(&ports[1])}, fds[2];
    hand_over(given, 2);
    return listen_inherited(2, fds, err) == ports[1] && port_at(fds[0]) == ports[0] && port_at(fds[1]) == ports[1] ? 0 : 1;
}

TEST("as many sockets as workers are one for each")
{
    CHECK_INT(in_child(check_each), 0);
}

static int check_refused(void)
{
    int port, given[2] = {listener(&port), fcntl(socket(AF_UNIX, SOCK_STREAM, 0), F_DUPFD, 20)}, fds[2];
    hand_over(given, 2);
    if (listen_inherited(1, fds, err) != -1 || strstr(err, "2 sockets for 1 workers") == NULL)
        return 1;
    hand_over(given, 2);
    if (listen_inherited(2, fds, err) != -1 || strstr(err, "number 2 is no TCP socket") == NULL)
        return 2;
    return 0;
}

TEST("sockets that are too many, or not of TCP, are refused")
{
    CHECK_INT(in_child(check_refused), 0);
}

static int check_strangers(void)
{
    int port, fd = listener(&port), fds[1];
    hand_over(&fd, 1);
    setenv("LISTEN_PID", "1", 1);
    return listen_inherited(1, fds, err);
}

TEST("sockets that were handed to another process are none")
{
    CHECK_INT(in_child(check_strangers), 0);
}
