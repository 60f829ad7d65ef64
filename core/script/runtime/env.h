#ifndef SCRIPT_RUNTIME_ENV_H
#define SCRIPT_RUNTIME_ENV_H
/* What the scripting ring borrows from its process. One per worker; outlives every engine. */
#include "base/limits.h"
#include "base/wheel.h"
#include <stdbool.h>
#include <uv.h>

struct list;
struct lua_State;
struct pool;
struct rates;
struct redis;
struct server;
struct tool_host;
struct script_counts;

enum script_mode { SCRIPT_SERVE, SCRIPT_DEV, SCRIPT_TOOL }; /* TOOL: one command of the command line, specs too */

struct script_user { /* --as EMAIL: who every request is, until a token says otherwise; id "" when nobody */
    char id[64], email[256], role[32], scopes[512], session[64];
};

struct script_env {
    uv_loop_t *loop;
    struct wheel *wheel;
    struct pool *pool;     /* NULL: no database is configured */
    struct rates *rates;   /* shared with the other workers; NULL where nothing is served */
    struct redis *redis;   /* NULL: none is configured */
    struct server *server; /* NULL in a tool until it serves */
    struct limits *limits;
    struct script_counts *counts;
    struct list *engines; /* all that are alive; owned by the process: script/engines.h */
    enum script_mode mode;
    unsigned workers; /* that share this host's cores; 0: this one alone */
    unsigned slot;    /* which of them this is, from 0 */
    struct script_user as;
    const char *listen_host; /* HOST; NULL in a tool */
    const char *app_dir;     /* absolute */
    const char *home;        /* NEAP_HOME, or NULL */
    const char *program;     /* absolute path of this binary */
    const char *version;     /* of Neap */
    struct tool_host *host;  /* what it asks of its process: script/tool_host.h */
    int argc;                /* of a tool: its arguments after the command's name */
    char **argv;
};

const struct script_env *engine_env(struct lua_State *L); /* of the engine that L belongs to */
#endif
