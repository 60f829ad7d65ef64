#include "host/process.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Descriptors are a table in the kernel: what a worker could use at 10,000 connections fits many times, and a container's
 * limit of a thousand million would only make closing loops of other programs slow. */
enum { FILES_MAX = 1 << 20 };

bool process_die_with_parent(pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    /* The parent may have died before the line above. */
    return getppid() == parent;
}

void process_set_name(const char *name)
{
#ifdef __linux__
    prctl(PR_SET_NAME, name);
#else
    (void)name;
#endif
}

void process_fill_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR); /* the lowest that is free */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void process_raise_file_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return;
    rlim_t want = r.rlim_max == RLIM_INFINITY || r.rlim_max > FILES_MAX ? (rlim_t)FILES_MAX : r.rlim_max;
    if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur >= want)
        return;
    r.rlim_cur = want;
    setrlimit(RLIMIT_NOFILE, &r);
}

int process_path(char *out, size_t out_n)
{
    return uv_exepath(out, &out_n) == 0 ? 0 : -1;
}

unsigned process_cores(void)
{
    unsigned n = uv_available_parallelism();
    return n > 0 ? n : 1;
}

bool process_has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}
