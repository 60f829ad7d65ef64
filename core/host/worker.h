#ifndef HOST_WORKER_H
#define HOST_WORKER_H
/* One process that answers requests: a loop, a server on one socket, a pool, and the engine of the day.
 *
 *     worker.c   makes it, runs it, takes it apart
 *     reload.c   the engine: the first one, and each that takes over
 *     drain.c    the way out
 */
#include "host/config.h"
#include "host/shared.h"
#include "pg/pool.h"
#include "script/engine.h"
#include "script/tool_host.h"

enum { WORKER_BEAT_MS = 1000 };

struct watch;

struct worker_opts {
    const struct settings *settings; /* borrowed, as everything here */
    const struct place *place;
    struct shared *shared;
    struct rates *rates;
    unsigned slot;
    int fd; /* its socket; taken */
    pid_t supervisor;
    int port;              /* that the socket is bound to */
    enum script_mode mode; /* SCRIPT_SERVE or SCRIPT_DEV */
    bool watch;            /* for saved files */
};

enum drain_stage {
    DRAIN_NOT,
    DRAIN_REQUESTS,
    DRAIN_TASKS,
    DRAIN_HOOKS,
    DRAIN_BACKGROUND,
    DRAIN_POOL,
    DRAIN_SERVER,
    DRAIN_DONE
};

struct worker {
    const struct worker_opts *opts;
    struct shared_slot *slot;
    struct limits limits; /* those of the settings; the server and the engines read them here */
    uv_loop_t loop;
    struct wheel wheel;
    uv_timer_t tick;    /* drives the wheel and the heartbeat */
    uv_prepare_t flush; /* writes the log before the loop sleeps */
    uv_signal_t sigterm, sighup, hurry;
    uint64_t beat_at_ms;

    struct server *server; /* owned */
    struct pool *pool;     /* owned; NULL without a database */
    struct redis *redis;   /* owned; NULL without one */
    struct engine *engine; /* owned; NULL in dev while the application has never loaded */
    struct list engines;   /* that one, and those before it that still end */
    struct script_env env;
    struct tool_host host; /* answers counts and metrics only */
    struct buf metrics_text;

    struct watch *watch;      /* dev */
    uv_timer_t reload;        /* gathers the reasons to load anew */
    uint64_t reload_first_ms; /* when the oldest of them came; 0: none */
    char reload_why[256];

    enum drain_stage stage;
    bool drain_hurried;      /* what ran was cancelled */
    uint64_t drain_cut_ms;   /* when the connections are closed whatever they do; 0: not yet known, or done */
    uint64_t drain_end_ms;   /* when the present stage is given up */
    struct host_counts left; /* what was alive when there should have been nothing */
};

/* In a fresh process, after fork: serves until SIGTERM and returns the exit code. */
int worker_run(const struct worker_opts *opts);

/* Loads the application for the first time. 0, or the worker's exit code; in dev it is 0 and the error is shown. */
int reload_first(struct worker *w);
/* Loads it anew a little later, so that many reasons at once load it once. */
void reload_soon(struct worker *w, const char *why);

void drain_begin(struct worker *w); /* the second call changes nothing */
/* Of a worker that cannot serve: there are no requests to end, and for the supervisor it never began. */
void drain_unserved(struct worker *w);
void drain_hurry(struct worker *w); /* does not wait for what runs any longer */
void drain_tick(struct worker *w);  /* looks whether the next stage may begin */
#endif
