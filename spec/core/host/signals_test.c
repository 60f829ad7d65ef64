#include "core/host/signals.c"
#include "spec/core/test.h"
#include <sys/wait.h>

static int status_of(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    return status;
}

TEST("signals come out one by one, and none is 0 after the time")
{
    CHECK(signals_open() == 0);
    CHECK_INT(signals_wait(0), 0);
    raise(SIGHUP);
    raise(SIGTERM);
    CHECK_INT(signals_wait(1000), SIGHUP);
    CHECK_INT(signals_wait(1000), SIGTERM);
    CHECK_INT(signals_wait(10), 0);
}

TEST("a child's end wakes its parent")
{
    pid_t pid = signals_fork();
    if (pid == 0)
        _exit(0);
    CHECK_INT(signals_wait(5000), SIGCHLD);
    status_of(pid);
}

TEST("a child does not feel Ctrl-C, and its parent does not hear the child's signals")
{
    pid_t pid = signals_fork();
    if (pid == 0) {
        raise(SIGINT);
        _exit(7);
    }
    int status = status_of(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK_INT(signals_wait(1000), SIGCHLD);
    CHECK_INT(signals_wait(0), 0);
}

TEST("SIGTERM waits until the child is ready for it")
{
    pid_t pid = signals_fork();
    if (pid == 0) {
        raise(SIGTERM);
        signals_unblock();
        _exit(7);
    }
    int status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
