#include "script/process.h"
#include "base/mem.h"
#include <signal.h>
#include <stdlib.h>

static void free_when_over(struct process *p)
{
    if (p->closed && p->dropped)
        free(p);
}

static void on_closed(uv_handle_t *h)
{
    struct process *p = LIST_OF((uv_process_t *)h, struct process, handle);
    p->closed = true;
    waiter_end(&p->waiter); /* somebody closed it while a task waited for its end */
    free_when_over(p);
}

bool process_is_collected(const struct process *p)
{
    bool at_end = true;
    for (int fd = 1; fd <= 2; fd++) {
        if (p->streams[fd] && p->streams[fd]->in_error == 0)
            at_end = false;
    }
    return p->exited && (at_end || p->drained || p->too_much);
}

static void look(struct process *p)
{
    if (p->collecting ? process_is_collected(p) : p->exited)
        waiter_end(&p->waiter);
}

static void on_drained(struct wheel_timer *t)
{
    struct process *p = LIST_OF(t, struct process, drain);
    p->drained = true;
    look(p);
}

static void on_exit_status(uv_process_t *handle, int64_t code, int signal)
{
    struct process *p = LIST_OF(handle, struct process, handle);
    p->exited = true;
    p->code = signal ? 128 + signal : code; /* as a shell says it */
    p->signal = signal;
    if (p->collecting)
        wheel_set(p->env->wheel, &p->drain, PROCESS_DRAIN_MS);
    /* Nothing is to be written to it any more; what it wrote is still to be read. */
    if (p->streams[0])
        channel_close(p->streams[0]);
    uv_close((uv_handle_t *)handle, on_closed);
    look(p);
}

/* Pipes that Lua asked for are made first, as libuv wants to fill them in. */
static void make_stdio(struct process *p, const struct process_spec *spec, uv_stdio_container_t *stdio)
{
    for (int fd = 0; fd < spec->fds_n; fd++) {
        stdio[fd].flags = UV_IGNORE;
        if (spec->stdio[fd] == STDIO_INHERIT) {
            stdio[fd].flags = UV_INHERIT_FD;
            stdio[fd].data.fd = spec->inherited[fd];
        } else if (spec->stdio[fd] == STDIO_PIPE) {
            struct channel *ch = p->streams[fd] = channel_new(p->env, CHANNEL_PIPE);
            unsigned flags = UV_CREATE_PIPE;
            if (fd != 1 && fd != 2)
                flags |= UV_READABLE_PIPE;
            if (fd != 0)
                flags |= UV_WRITABLE_PIPE;
            ch->close_at_eof = fd != 0;
            stdio[fd].flags = (uv_stdio_flags)flags;
            stdio[fd].data.stream = &ch->u.stream;
        }
    }
}

int process_spawn(const struct script_env *env, const struct process_spec *spec, struct process **out)
{
    struct process *p = mem_zalloc(sizeof(*p));
    p->env = env;
    waiter_init(&p->waiter, env->wheel);
    wheel_timer_init(&p->drain, on_drained);

    uv_stdio_container_t stdio[PROCESS_FDS_MAX];
    make_stdio(p, spec, stdio);
    uv_process_options_t options = {
        .exit_cb = on_exit_status,
        .file = spec->argv[0],
        .args = spec->argv,
        .env = spec->env,
        .cwd = spec->cwd,
        .stdio = stdio,
        .stdio_count = spec->fds_n,
    };
    if (spec->uid >= 0) {
        options.flags |= UV_PROCESS_SETUID;
        options.uid = (uv_uid_t)spec->uid;
    }
    if (spec->gid >= 0) {
        options.flags |= UV_PROCESS_SETGID;
        options.gid = (uv_gid_t)spec->gid;
    }
    int rc = uv_spawn(env->loop, &p->handle, &options);
    *out = NULL;
    if (rc < 0) {
        uv_close((uv_handle_t *)&p->handle, on_closed);
        p->exited = true;
        process_drop(p);
        return rc;
    }
    for (int fd = 1; fd < spec->fds_n; fd++) {
        if (p->streams[fd])
            (void)channel_read_start(p->streams[fd]);
    }
    *out = p;
    return 0;
}

void process_drop(struct process *p)
{
    if (p == NULL || p->dropped)
        return;
    p->dropped = true;
    wheel_clear(p->env->wheel, &p->drain);
    for (int fd = 0; fd < PROCESS_FDS_MAX; fd++) {
        channel_drop(p->streams[fd]);
        p->streams[fd] = NULL;
    }
    if (!p->exited)
        uv_close((uv_handle_t *)&p->handle, on_closed);
    free_when_over(p);
}

int process_kill(struct process *p, int signal)
{
    return p->exited ? UV_ESRCH : uv_process_kill(&p->handle, signal);
}

static void on_output(struct channel *ch, void *arg)
{
    struct process *p = arg;
    if (ch->in.n >= PROCESS_OUTPUT_MAX && !p->too_much) {
        p->too_much = true;
        (void)process_kill(p, SIGKILL);
    }
    look(p);
}

void process_collect(struct process *p)
{
    p->collecting = true;
    for (int fd = 1; fd <= 2; fd++) {
        struct channel *ch = p->streams[fd];
        if (ch == NULL)
            continue;
        ch->in_max = PROCESS_OUTPUT_MAX;
        ch->on_input = on_output;
        ch->arg = p;
        (void)channel_read_start(ch);
    }
}
