#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H
/* The settings for the process that starts the workers. A child reads them, because reading is Lua and what forks workers
 * must stay free of it. */
#include "script/settings.h"

struct place { /* where everything is; absolute paths, borrowed for as long as the process lives */
    const char *app_dir;
    const char *home;    /* NEAP_HOME, or NULL */
    const char *program; /* this binary */
};

/* mode: "serve" or "dev". Returns as settings_load. */
int config_read(struct settings *out, const struct place *place, const char *mode, char err[static ERR_MAX])
    __attribute__((warn_unused_result));
#endif
