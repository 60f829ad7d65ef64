#include "host/child.h"

uint64_t child_backoff_ms(unsigned failures)
{
    if (failures == 0)
        return 0;
    uint64_t ms = CHILD_BACKOFF_MIN_MS;
    for (unsigned i = 1; i < failures && ms < CHILD_BACKOFF_MAX_MS; i++)
        ms *= 2;
    return ms < CHILD_BACKOFF_MAX_MS ? ms : CHILD_BACKOFF_MAX_MS;
}

void child_started(struct child *c, pid_t pid, uint64_t now_ms)
{
    c->pid = pid;
    c->started_ms = now_ms;
    c->kill_at_ms = 0;
}

/* The first death of a worker that had settled is answered at once: its clients wait in the socket. */
void child_ended(struct child *c, bool failed, uint64_t now_ms)
{
    bool settled = now_ms - c->started_ms >= CHILD_SETTLED_MS;
    c->pid = 0;
    c->kill_at_ms = 0;
    c->failures = !failed || settled ? 0 : c->failures + 1;
    c->start_at_ms = now_ms + child_backoff_ms(c->failures);
}

bool child_is_due(const struct child *c, uint64_t now_ms)
{
    return c->pid == 0 && now_ms >= c->start_at_ms;
}

bool child_is_silent(const struct child *c, enum worker_state state, uint64_t beat_ms, uint64_t now_ms)
{
    uint64_t allowed = state == WORKER_STARTING ? CHILD_START_MS : CHILD_SILENT_MS;
    return c->pid != 0 && c->kill_at_ms == 0 && now_ms > beat_ms && now_ms - beat_ms >= allowed;
}
