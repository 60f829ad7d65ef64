#ifndef HOST_SERVE_H
#define HOST_SERVE_H
/* `neap serve` and `neap dev`: from the command line to the supervisor and back. */
#include "host/config.h"

/* argv: what follows the command's name. Returns the exit code. place->app_dir is set from it. */
int serve_main(struct place *place, bool dev, int argc, char **argv);
#endif
