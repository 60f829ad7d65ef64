#include "host/abort.h"
#include "base/clock.h"
#include "script/runtime/whereabouts.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { UNSEEN_S = 60 };

/* A signal belongs to the process, and so does what its handler looks at. */
static struct engine *const *present;

/* No log_begin here: the buffer of the log may be half written, or be what the worker is stuck in. */
static void on_abort(int number)
{
    char where[256], line[512], timestamp[CLOCK_RFC3339_BYTES];
    size_t n = whereabouts(*present, where, sizeof where);
    where[n] = '\0';
    for (char *p = where; *p; p++)
        if (*p == '"' || *p == '\\' || *p < ' ')
            *p = '?';
    clock_write_rfc3339(timestamp, clock_wall_us());
    int len =
        snprintf(line, sizeof line,
                 "{\"timestamp\":\"%.*s\",\"level\":\"error\",\"message\":\"aborted\",\"module\":\"worker\",\"pid\":%d,"
                 "\"where\":\"%s\"}\n",
                 (int)sizeof timestamp, timestamp, (int)getpid(), where);
    ssize_t written = write(STDOUT_FILENO, line, (size_t)len);
    (void)written;
    raise(number); /* SA_RESETHAND: this time it ends the process */
}

static pid_t supervisor;

static void on_alarm(int number)
{
    (void)number;
    if (getppid() != supervisor)
        raise(SIGABRT);
}

void abort_unless_seen(pid_t parent)
{
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    if (supervisor == 0) {
        supervisor = parent;
        sigaction(SIGALRM, &sa, NULL);
    }
    alarm(UNSEEN_S);
}

void abort_tell(struct engine *const *engine)
{
    struct sigaction sa = {.sa_handler = on_abort, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    present = engine;
    sigaction(SIGABRT, &sa, NULL);
}
