#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H
/* Sockets to listen on. One for each worker on the same port (SO_REUSEPORT): the kernel spreads connections evenly over
 * them, and what waits in one while its worker is replaced is not lost, because the supervisor keeps it open. */
#include "base/error.h"

/* Binds n sockets to host and port and leaves them unlistened: a socket takes connections once its worker listens. Port 0:
 * the first picks one. Returns the port, or -1 with a reason that names it. */
int listen_bind(const char *host, int port, unsigned n, int fds[], char err[static ERR_MAX]);
/* The sockets that a service manager has opened and handed over (LISTEN_FDS, see sd_listen_fds(3)), and their port: one
 * for each of n workers, and when there are fewer, several workers share one. 0: there are none. -1 with a reason: they are
 * no good. What says so in the environment is taken away, so that no child takes them for its own. */
int listen_inherited(unsigned n, int fds[], char err[static ERR_MAX]);
#endif
