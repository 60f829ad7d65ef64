#ifndef SCRIPT_TOOL_HOST_H
#define SCRIPT_TOOL_HOST_H
/* What the scripting ring asks of the process that it runs in. Commands and specs serve, change the database and the
 * user; a worker answers counts only and leaves the other pointers NULL. */
#include "base/error.h"
#include "base/slice.h"
#include "script/runtime/env.h"

struct host_counts {  /* alive now in this process */
    unsigned handles; /* of libuv, those that the host itself keeps left out */
    unsigned tasks;   /* of requests and commands, and those that were spawned to finish */
    unsigned background;
    unsigned connections;
    unsigned pool_busy;
    uint64_t requests; /* answered since the start */
};

struct tool_database {
    const char *url; /* NULL: none */
    unsigned min, max;
    int64_t statement_ms; /* negative: as the settings say; 0: no limit */
};

struct tool_host {
    void (*counts)(struct tool_host *h, struct host_counts *out);
    struct slice (*metrics)(struct tool_host *h); /* what /metrics answers; valid until the next call */

    /* Serves the routes of the tool's engine on this process's loop. The port, or -1 with a reason. */
    int (*serve)(struct tool_host *h, const char *host, int port, char err[ERR_MAX]);
    /* done(arg) when the server's last handle is closed; never called from inside the call. Fine when nothing serves. */
    void (*unserve)(struct tool_host *h, void (*done)(void *arg), void *arg);
    /* Closes the pool, if there is one, and opens another. done(arg) when the old one is closed and env->pool is the new
     * one, which connects in the background; never called from inside the call. */
    void (*use_database)(struct tool_host *h, const struct tool_database *db, void (*done)(void *arg), void *arg);
    void (*set_user)(struct tool_host *h, const struct script_user *user); /* NULL: nobody */
};
#endif
