#ifndef HOST_TOOL_H
#define HOST_TOOL_H
/* A command that is Lua: require("neap.cli.<name>").main(...) as a task in an engine of its own, with a loop. It connects
 * nowhere until it asks for a database. Specs run in one too. */
#include "host/cli.h"
#include "host/config.h"
#include "host/shared.h"
#include "http/server.h"
#include "pg/pool.h"
#include "script/engine.h"
#include "script/tool_host.h"
#include <signal.h>

struct tool {
    uv_loop_t loop;
    struct wheel wheel;
    uv_timer_t tick;
    uv_prepare_t flush;
    uv_async_t interrupt; /* a signal handler wakes the loop with it */
    struct settings settings;
    struct limits limits;
    struct server *server;       /* owned; NULL while nothing serves */
    void (*unserved)(void *arg); /* waits for the server's end */
    void *unserved_arg;
    struct pool *pool;     /* owned; NULL until the command asks for one */
    struct engine *engine; /* owned */
    struct list engines;   /* that one */
    struct script_env env;
    struct tool_host host;
    struct shared *shared; /* owned: this process alone */
    struct buf metrics_text;
    unsigned closing;                  /* pools and servers on their way out */
    volatile sig_atomic_t leaving;     /* the command has ended, and what it left is undone */
    volatile sig_atomic_t over;        /* that too */
    volatile sig_atomic_t interrupted; /* the signal that ends it; 0: none */
    uint64_t interrupted_ms;           /* when */
    uint64_t give_up_ms;               /* what does not close until then is left to the system */
    int exit_code;
};

/* argv: what follows the command's name. Returns the exit code. */
int tool_main(const struct place *place, const struct cli_command *command, int argc, char **argv);

/* tool_host.c: what a command may ask for. */
void tool_host_fill(struct tool *t);
void tool_close_parts(struct tool *t); /* server and pool; t->closing is 0 when they are gone */
#endif
