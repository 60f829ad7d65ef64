#include "host/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int kept[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
enum { KEPT = sizeof kept / sizeof kept[0] };

/* A signal belongs to the process, and so does this. */
static int pipe_fds[2] = {-1, -1};

/* The pipe holds thousands of signals; one more than that tells nothing new. */
static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t n = write(pipe_fds[1], &byte, 1);
    (void)n;
    errno = saved;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&sa.sa_mask);
    sigaction(number, &sa, NULL);
}

int signals_open(void)
{
    if (pipe(pipe_fds) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(pipe_fds[i], F_SETFD, FD_CLOEXEC);
        fcntl(pipe_fds[i], F_SETFL, O_NONBLOCK);
    }
    for (size_t i = 0; i < KEPT; i++)
        set_handler(kept[i], on_signal);
    set_handler(SIGPIPE, SIG_IGN);
    return 0;
}

int signals_wait(int timeout_ms)
{
    struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
    unsigned char byte;
    if (poll(&p, 1, timeout_ms) < 0 && errno != EINTR)
        return 0;
    return read(pipe_fds[0], &byte, 1) == 1 ? byte : 0;
}

static void forget(void)
{
    for (int i = 0; i < 2; i++)
        close(pipe_fds[i]);
    for (size_t i = 0; i < KEPT; i++)
        set_handler(kept[i], kept[i] == SIGINT ? SIG_IGN : SIG_DFL);
}

pid_t signals_fork(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        forget();
        sigaddset(&before, SIGTERM);
        sigaddset(&before, SIGHUP);
    }
    int saved = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return pid;
}

void signals_unblock(void)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGTERM);
    sigaddset(&s, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}
