#include "core/host/notify.c"
#include "spec/core/test.h"
#include <stdio.h>

static char got[128];

/* Binds the manager's end at `name` ('@': abstract) and hears what notify_send sends there. */
static void sent_to(const char *name, const char *state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    memcpy(at.sun_path, name, n);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0);
    setenv("NOTIFY_SOCKET", name, 1);
    notify_send(state);
    ssize_t got_n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    close(fd);
    got[got_n > 0 ? got_n : 0] = '\0';
}

TEST("the manager hears it over a socket in the file system and over an abstract one")
{
    char path[64], abstract[64];
    snprintf(path, sizeof path, "/tmp/neap-notify-%d", getpid());
    snprintf(abstract, sizeof abstract, "@neap-notify-%d", getpid());
    sent_to(path, "READY=1");
    unlink(path);
    CHECK_STR(got, strlen(got), "READY=1");
    sent_to(abstract, "STOPPING=1");
    CHECK_STR(got, strlen(got), "STOPPING=1");
}

TEST("without a manager, or with one that is gone, nothing happens")
{
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_send("READY=1");
}

TEST("the watchdog is fed twice in its time, if it is ours")
{
    char pid[16];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    CHECK_INT(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    CHECK_INT(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    CHECK_INT(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof pid, "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    CHECK_INT(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "soon", 1);
    CHECK_INT(notify_watchdog_ms(), 0);
}
