#ifndef HOST_SUPERVISOR_H
#define HOST_SUPERVISOR_H
/* Starts the workers, watches them and starts them again. Knows nothing of Lua, Postgres or HTTP and holds no random
 * state, so that a child that it forks at any time starts clean.
 *
 * SIGTERM and SIGINT end it: the workers drain. A second one hurries them, a third kills them. SIGHUP goes to each worker,
 * which loads the application anew. */
#include "host/shared.h"
#include <signal.h>

struct supervisor_opts {
    struct shared *shared;                /* borrowed; one slot per worker */
    int *fds;                             /* the workers' sockets, one each; closed when it ends */
    uint64_t shutdown_ms;                 /* that workers take to drain at most */
    bool dev;                             /* a lost terminal ends it */
    int (*run)(unsigned slot, void *arg); /* in the child; what it returns is the exit code */
    void *arg;
};

/* SIGTERM drains a worker. Terminals and service managers send it to the whole group, so a worker may get it twice: only
 * this one, from its supervisor, says that it shall not wait any longer. */
enum { WORKER_HURRY_SIGNAL = SIGUSR1 };

/* Exit codes of a worker. */
enum { WORKER_DRAINED = 0, WORKER_FAILED = 1, WORKER_MISCONFIGURED = 78 };

/* Needs signals_open. Returns the exit code of the process: 0 when stopped and all workers drained; when the first worker
 * cannot even load the application, that worker's. */
int supervisor_run(const struct supervisor_opts *opts);
#endif
