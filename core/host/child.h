#ifndef HOST_CHILD_H
#define HOST_CHILD_H
/* One worker's place in the supervisor's table: when it was started, when it may be started again, and whether it still
 * moves. Times are monotonic milliseconds. Nothing here calls the system. */
#include "host/shared.h"

enum {
    CHILD_SETTLED_MS = 10 * 1000, /* a worker that lived this long did not die of its start */
    CHILD_BACKOFF_MIN_MS = 100,
    CHILD_BACKOFF_MAX_MS = 30 * 1000,
    CHILD_SILENT_MS = 10 * 1000, /* without a heartbeat: aborted. Handlers are stopped after 2 s of CPU, so this is a hang */
    CHILD_START_MS = 60 * 1000,  /* the same while the application loads for the first time */
    CHILD_ABORT_MS = 2 * 1000,   /* from SIGABRT to SIGKILL; a core dump takes a moment */
};

struct child {
    pid_t pid; /* 0: none runs */
    uint64_t started_ms;
    uint64_t start_at_ms; /* when none runs: not before this */
    uint64_t kill_at_ms;  /* 0: not due */
    unsigned failures;    /* in a row, each soon after its start */
};

uint64_t child_backoff_ms(unsigned failures);
void child_started(struct child *c, pid_t pid, uint64_t now_ms);
/* It ended, on its own or not; sets when the next may start. */
void child_ended(struct child *c, bool failed, uint64_t now_ms);
bool child_is_due(const struct child *c, uint64_t now_ms);
bool child_is_silent(const struct child *c, enum worker_state state, uint64_t beat_ms, uint64_t now_ms);
#endif
