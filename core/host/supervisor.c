#include "host/supervisor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/child.h"
#include "host/notify.h"
#include "host/process.h"
#include "host/signals.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,       /* between two looks at the heartbeats */
    STARTING_LOOK_MS = 5, /* while a worker loads */
    OVERSLEPT_MS = 5000,  /* this late for a look: we were stopped, and so were the workers */
    HURRY_MS = 3000,      /* from the second signal to SIGKILL */
    LAST_GASP_MS = 10000, /* beyond shutdown_ms, for cancelled work to end */
    SAME_KEY_MS = 300,    /* a terminal and a wrapper may both deliver one Ctrl-C */
};

struct supervisor {
    const struct supervisor_opts *opts;
    struct child *children; /* owned; one per slot */
    unsigned count;
    bool was_ready; /* the first worker has loaded the application once */
    bool told_ready;
    unsigned stops;      /* signals to stop so far */
    uint64_t stopped_ms; /* when the last of them came */
    uint64_t looked_ms;
    uint64_t watchdog_ms, watchdog_at_ms;
    int exit_code;
};

static uint64_t now(void)
{
    return clock_monotonic_us() / 1000;
}

static unsigned alive(const struct supervisor *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->count; i++)
        n += s->children[i].pid != 0;
    return n;
}

static void signal_all(const struct supervisor *s, int number)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, number);
}

/* ---- starting ---- */

static void be_child(struct supervisor *s, unsigned slot, pid_t parent)
{
    char name[16];
    snprintf(name, sizeof name, "neap-worker-%u", slot % 1000);
    process_set_name(name);
    if (!process_die_with_parent(parent))
        _exit(WORKER_FAILED);
    exit(s->opts->run(slot, s->opts->arg));
}

static void start(struct supervisor *s, unsigned slot)
{
    struct shared_slot *shared = &s->opts->shared->slots[slot];
    pid_t parent = getpid();

    log_flush(); /* or the child would write the same lines again */
    shared_reset(shared, now());
    pid_t pid = signals_fork();
    if (pid == 0)
        be_child(s, slot, parent);
    if (pid < 0) {
        log_note(LOG_ERROR, "supervisor", "cannot start a worker", "error", strerror(errno));
        child_ended(&s->children[slot], true, now());
        return;
    }
    atomic_store(&shared->pid, pid);
    child_started(&s->children[slot], pid, now());
}

/* The first worker loads the application alone, so that one which does not load says so once. */
static void start_due(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count && s->stops == 0; i++)
        if ((i == 0 || s->was_ready) && child_is_due(&s->children[i], now()))
            start(s, i);
}

static void see_ready(struct supervisor *s)
{
    unsigned ready = shared_ready(s->opts->shared);
    if (ready > 0)
        s->was_ready = true;
    if (ready < s->count || s->told_ready || s->stops > 0)
        return;
    s->told_ready = true;
    notify_send("READY=1");
    struct log_line l;
    if (log_begin(&l, LOG_INFO, "supervisor", "ready")) {
        log_int(&l, "workers", s->count);
        log_end(&l);
    }
}

/* ---- stopping ---- */

static void close_sockets(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (s->opts->fds[i] >= 0)
            close(s->opts->fds[i]);
        s->opts->fds[i] = -1;
    }
}

static void kill_after(struct supervisor *s, uint64_t ms)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->children[i].pid)
            s->children[i].kill_at_ms = now() + ms;
}

static void stop(struct supervisor *s, const char *why)
{
    if (s->stops > 0 && now() - s->stopped_ms < SAME_KEY_MS)
        return;
    s->stops++;
    s->stopped_ms = now();
    if (s->stops == 1) {
        log_note(LOG_INFO, "supervisor", "stopping", "reason", why);
        notify_send("STOPPING=1");
        close_sockets(s);
        signal_all(s, SIGTERM);
        kill_after(s, s->opts->shutdown_ms + LAST_GASP_MS);
    } else if (s->stops == 2) {
        log_note(LOG_WARN, "supervisor", "hurrying: what still runs is cancelled", "reason", why);
        signal_all(s, WORKER_HURRY_SIGNAL);
        kill_after(s, HURRY_MS);
    } else {
        kill_after(s, 0);
    }
}

/* ---- what happened ---- */

static void tell_end(const struct supervisor *s, unsigned slot, pid_t pid, int status)
{
    const struct child *c = &s->children[slot];
    struct log_line l;
    if (!log_begin(&l, LOG_ERROR, "supervisor", WIFSIGNALED(status) ? "worker was killed" : "worker failed"))
        return;
    log_int(&l, "worker", slot);
    log_int(&l, "pid", pid);
    if (WIFSIGNALED(status))
        log_str(&l, "signal", strsignal(WTERMSIG(status)));
    else
        log_int(&l, "exit_code", WEXITSTATUS(status));
    log_int(&l, "lived_ms", (int64_t)(now() - c->started_ms));
    if (s->stops == 0 && s->exit_code == 0) {
        log_int(&l, "failures_in_a_row", c->failures);
        log_int(&l, "restart_in_ms", (int64_t)child_backoff_ms(c->failures));
    }
    log_end(&l);
}

static void ended(struct supervisor *s, unsigned slot, int status)
{
    struct child *c = &s->children[slot];
    pid_t pid = c->pid;
    see_ready(s); /* it may have been ready for less than a look */
    bool drained = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DRAINED;
    bool refused = WIFEXITED(status) && !drained && !s->was_ready && s->stops == 0;
    bool served = atomic_load(&s->opts->shared->slots[slot].state) != WORKER_STARTING;

    atomic_store(&s->opts->shared->slots[slot].state, WORKER_NONE);
    atomic_store(&s->opts->shared->slots[slot].pid, 0);
    child_ended(c, !drained, now());
    if (refused) { /* it has said why */
        s->exit_code = WEXITSTATUS(status);
        s->stops++;
        return;
    }
    if (s->stops > 0 && !drained && served)
        s->exit_code = WORKER_FAILED;
    if (!drained)
        tell_end(s, slot, pid, status);
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < s->count; i++)
            if (s->children[i].pid == pid)
                ended(s, i, status);
    }
}

static void on_signal(struct supervisor *s, int number)
{
    if (number == SIGTERM || number == SIGINT)
        stop(s, number == SIGTERM ? "SIGTERM" : "SIGINT");
    else if (number == SIGHUP && s->opts->dev && !process_has_terminal())
        stop(s, "the terminal is gone");
    else if (number == SIGHUP)
        signal_all(s, SIGHUP);
}

/* ---- looking after them ---- */

static void abort_silent(struct supervisor *s, unsigned slot, uint64_t t)
{
    struct child *c = &s->children[slot];
    struct shared_slot *shared = &s->opts->shared->slots[slot];
    uint64_t beat = atomic_load(&shared->beat_ms);
    struct log_line l;

    if (!child_is_silent(c, (enum worker_state)atomic_load(&shared->state), beat, t))
        return;
    if (log_begin(&l, LOG_ERROR, "supervisor", "worker is stuck: aborting it")) {
        log_int(&l, "worker", slot);
        log_int(&l, "pid", c->pid);
        log_int(&l, "silent_ms", (int64_t)(t - beat));
        log_end(&l);
    }
    kill(c->pid, SIGABRT);
    kill(c->pid, SIGCONT); /* one that was stopped by hand would never see it */
    c->kill_at_ms = t + CHILD_ABORT_MS;
}

/* Whoever stops us (Ctrl-Z, a debugger, a suspended machine) stops the workers too: their silence means nothing then. */
static void look(struct supervisor *s, uint64_t t)
{
    bool overslept = t - s->looked_ms > OVERSLEPT_MS;
    s->looked_ms = t;
    for (unsigned i = 0; i < s->count; i++) {
        if (overslept)
            shared_beat(&s->opts->shared->slots[i], t);
        abort_silent(s, i, t);
    }
}

static void kill_due(struct supervisor *s, uint64_t t)
{
    for (unsigned i = 0; i < s->count; i++) {
        struct child *c = &s->children[i];
        if (c->pid && c->kill_at_ms && t >= c->kill_at_ms) {
            kill(c->pid, SIGKILL);
            c->kill_at_ms = t + LOOK_MS;
        }
    }
}

static void feed_watchdog(struct supervisor *s, uint64_t t)
{
    if (s->watchdog_ms == 0 || t < s->watchdog_at_ms)
        return;
    notify_send("WATCHDOG=1");
    s->watchdog_at_ms = t + s->watchdog_ms;
}

static uint64_t sooner(uint64_t wait, uint64_t at, uint64_t t)
{
    uint64_t left = at > t ? at - t : 0;
    return left < wait ? left : wait;
}

static int patience(const struct supervisor *s, uint64_t t)
{
    bool starting = shared_ready(s->opts->shared) < s->count && s->stops == 0;
    uint64_t wait = starting && !s->told_ready ? STARTING_LOOK_MS : LOOK_MS;
    if (s->watchdog_ms)
        wait = sooner(wait, s->watchdog_at_ms, t);
    for (unsigned i = 0; i < s->count; i++) {
        const struct child *c = &s->children[i];
        if (c->pid && c->kill_at_ms)
            wait = sooner(wait, c->kill_at_ms, t);
        if (c->pid == 0 && s->stops == 0 && (i == 0 || s->was_ready))
            wait = sooner(wait, c->start_at_ms, t);
    }
    return (int)wait;
}

int supervisor_run(const struct supervisor_opts *opts)
{
    struct supervisor s = {.opts = opts, .count = opts->shared->count, .watchdog_ms = notify_watchdog_ms()};
    s.children = mem_zalloc(s.count * sizeof *s.children);
    s.looked_ms = now();

    while (s.stops == 0 || alive(&s) > 0) {
        start_due(&s);
        log_flush();
        on_signal(&s, signals_wait(patience(&s, now())));
        reap(&s);
        see_ready(&s);
        look(&s, now());
        kill_due(&s, now());
        feed_watchdog(&s, now());
    }
    close_sockets(&s);
    log_flush();
    free(s.children);
    return s.exit_code;
}
