#ifndef SCRIPT_SETTINGS_H
#define SCRIPT_SETTINGS_H
/* The settings that the process itself needs, read from the application's config.lua. Plain data without pointers, so
 * that a child may read them and leave them in shared memory for its parent. */
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "http/server.h"
#include <stdbool.h>

enum { SETTINGS_HOST_MAX = 256, SETTINGS_URL_MAX = 4096, SETTINGS_LIST_MAX = 8192 };

struct settings {
    char host[SETTINGS_HOST_MAX];
    int port;         /* 0: any free one */
    unsigned workers; /* 0: as many as there are cores */
    bool access_log;
    bool server_timing;
    bool production;
    enum log_level log_level;
    char database_url[SETTINGS_URL_MAX]; /* "": none is configured */
    char redis_url[SETTINGS_URL_MAX];    /* "": none, or it is turned off */
    unsigned pool_min, pool_max;         /* of the host, to be divided over the workers */
    uint64_t acquire_ms, statement_ms, recycle_ms;
    uint64_t ping_idle_ms; /* 0: never */
    bool prepared;
    bool pipeline;   /* statements of different requests share connections */
    bool write_lane; /* autocommit writes share a connection, too */
    char cors_origins[SETTINGS_LIST_MAX], trusted_proxies[SETTINGS_LIST_MAX]; /* a line each */
    bool forwarded; /* proxies write Forwarded, not X-Forwarded-For */
    struct limits limits;
};

void settings_default(struct settings *s);
struct edges settings_edges(const struct settings *s); /* borrows from s */

struct engine;
/* Runs neap.boot's config(mode) in the engine and copies what it says over the defaults. 0; -1 with a reason; -78 when
 * the configuration is wrong: err lists every problem, a line each. */
int settings_load(struct settings *s, struct engine *e, const char *mode, char err[static ERR_MAX])
    __attribute__((warn_unused_result));
#endif
