#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H
/* Sockets to listen on. One for each worker on the same port (SO_REUSEPORT): the kernel spreads connections evenly over
 * them, and what waits in one while its worker is replaced is not lost, because the supervisor keeps it open. */
#include "base/error.h"

/* Binds n sockets to host and port and leaves them unlistened: a socket takes connections once its worker listens. Port 0:
 * the first picks one. Returns the port, or -1 with a reason that names it. */
int listen_bind(const char *host, int port, unsigned n, int fds[], char err[static ERR_MAX]);
#endif
