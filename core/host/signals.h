#ifndef HOST_SIGNALS_H
#define HOST_SIGNALS_H
/* Signals for a process without a loop: each becomes a number that signals_wait returns. */
#include <sys/types.h>

/* From now on SIGTERM, SIGINT, SIGHUP and SIGCHLD are kept for signals_wait, and SIGPIPE is ignored. 0 or -1. */
int signals_open(void) __attribute__((warn_unused_result));
/* The next signal, or 0 after timeout_ms (negative: wait for ever). */
int signals_wait(int timeout_ms);

/* fork(), such that no signal can reach the child while it still has its parent's handlers. In the child SIGINT is ignored
 * (a terminal sends it to everybody, but the parent decides), SIGTERM, SIGHUP and SIGCHLD have their defaults, and the
 * first two stay blocked until signals_unblock, so that none is lost while the child sets itself up. */
pid_t signals_fork(void);
void signals_unblock(void);
#endif
