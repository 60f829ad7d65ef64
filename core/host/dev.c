#include "host/dev.h"
#include "base/buf.h"
#include "base/log.h"
#include "host/cli.h"
#include "host/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES_MAX = 64 * 1024, TOLD_FD = 3 };

/* Becomes another run of this program; does not return. */
static void become(const struct place *place, char *const argv[], int told)
{
    if (told >= 0 && told != TOLD_FD) {
        dup2(told, TOLD_FD);
        close(told);
    } else if (told == TOLD_FD) {
        fcntl(told, F_SETFD, 0);
    }
    if (chdir(place->app_dir) == 0)
        execv(place->program, argv);
    _exit(EXIT_FAILED);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* The child has ended: what it told lies in the pipe, which holds more than it ever tells. Its end of file is not waited
 * for, because a grandchild may keep the pipe open. */
static void read_told(int fd, struct buf *out)
{
    char *p = buf_reserve(out, LINES_MAX);
    ssize_t n;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (out->n < LINES_MAX && (n = read(fd, p + out->n, LINES_MAX - out->n)) > 0)
        out->n += (size_t)n;
}

/* Until the child has ended. A signal to stop goes on to it; the second one ends it whatever it does. */
static int attend(pid_t pid)
{
    int status = -1, stopped = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        int number = signals_wait(1000);
        if (number != SIGTERM && number != SIGINT)
            continue;
        kill(pid, stopped ? SIGKILL : SIGTERM);
        stopped = number;
    }
    if (stopped)
        return 128 + stopped;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

static void set_environment(struct buf *lines)
{
    char *rest = lines->p, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, '=');
        if (value == NULL || value == line)
            continue;
        *value++ = '\0';
        setenv(line, value, 1);
    }
}

int dev_prepare(const struct place *place, const char *as)
{
    char *argv[] = {"neap", "dev-prepare", as ? "--as" : NULL, (char *)as, NULL};
    struct buf lines = BUF_INIT;
    int told[2];

    if (pipe(told) < 0)
        return EXIT_FAILED;
    fcntl(told[0], F_SETFD, FD_CLOEXEC);
    fcntl(told[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = signals_fork();
    if (pid == 0) {
        signals_unblock();
        signal(SIGINT, SIG_DFL); /* unlike a worker it has nothing to drain */
        become(place, argv, told[1]);
    }
    close(told[1]);
    int code = pid > 0 ? attend(pid) : EXIT_FAILED;
    read_told(told[0], &lines);
    close(told[0]);
    buf_char(&lines, '\0');
    set_environment(&lines);
    buf_free(&lines);
    return code;
}

/* Another `neap dev` of this folder, a psql or a test run may use what we started.
 * The child is in a session of its own: somebody who presses Ctrl-C once more must not leave Postgres half stopped. */
void dev_finish(const struct place *place)
{
    char *argv[] = {"neap", "db", "down", "--if-unused", NULL};
    const char *started = getenv("NEAP_STARTED_POSTGRES");
    if (started == NULL || strcmp(started, "1") != 0)
        return;
    pid_t pid = signals_fork();
    if (pid == 0) {
        setsid();
        signals_unblock();
        become(place, argv, -1);
    }
    if (pid < 0 || wait_for(pid) != 0)
        log_note(LOG_WARN, "dev", "the private Postgres still runs: `neap db down` stops it", NULL, NULL);
}
