#include "core/host/worker.c"
#include "spec/core/test.h"
#include <sys/wait.h>

static const struct worker_opts none;
static bool told; /* the loop heard of the end of the work */

static struct worker *worker_that_runs(void)
{
    struct worker *w = mem_zalloc(sizeof *w);
    w->opts = &none;
    CHECK(start_clockwork(w) == 0);
    return w;
}

static void take_a_moment(uv_work_t *work)
{
    (void)work;
    usleep(30000);
}

/* As a lookup that no name server answers: until who started this process lets it go. */
static void read_pipe(uv_work_t *work)
{
    char byte;
    ssize_t n = read(*(int *)work->data, &byte, 1);
    (void)n;
}

static void on_worked(uv_work_t *work, int status)
{
    (void)work;
    told = status == 0;
}

TEST("what a thread ends in a moment is waited for, and the loop is closed")
{
    static uv_work_t work;
    struct worker *w = worker_that_runs();
    CHECK(uv_queue_work(&w->loop, &work, take_a_moment, on_worked) == 0);
    CHECK(end(w, 7) == 7);
    CHECK(told);
}

/* In a process of its own. The pipe's other end stays open until that process is gone. */
static void be_stuck(int fd)
{
    static uv_work_t work;
    struct worker *w = worker_that_runs();
    alarm(20);
    work.data = &fd;
    if (uv_queue_work(&w->loop, &work, read_pipe, on_worked) != 0)
        _exit(1);
    usleep(50000); /* so that it is on its thread */
    exit(end(w, 7));
}

TEST("what a thread does not end holds up nobody's end")
{
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        be_stuck(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(ends[0]);
    close(ends[1]);
}
