#ifndef HOST_DEV_H
#define HOST_DEV_H
/* What `neap dev` makes up where the environment says nothing: a secret, a private Postgres, a user. The work is done by
 * the command dev-prepare, in a child; what it found comes back as KEY=VALUE lines on its descriptor 3 and is put into
 * this process's environment, where the workers find it. */
#include "host/config.h"

/* as: an e-mail address, or NULL. 0, or the exit code; what went wrong has been said by then. Needs signals_open. */
int dev_prepare(const struct place *place, const char *as) __attribute__((warn_unused_result));
/* Stops the Postgres that dev_prepare started, if it did. */
void dev_finish(const struct place *place);
#endif
