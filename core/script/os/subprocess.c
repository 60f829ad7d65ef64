#include "script/os/subprocess.h"
#include "base/mem.h"
#include <signal.h>
#include <stdlib.h>

static void free_when_over(struct subprocess *p)
{
    if (p->closed && p->dropped)
        free(p);
}

static void on_closed(uv_handle_t *h)
{
    struct subprocess *p = LIST_OF((uv_process_t *)h, struct subprocess, handle);
    p->closed = true;
    if (p->dropped)
        waiter_end(&p->waiter); /* somebody closed it while a task waited for its end */
    free_when_over(p);
}

bool subprocess_is_collected(const struct subprocess *p)
{
    bool at_end = true;
    for (int fd = 1; fd <= 2; fd++) {
        if (p->streams[fd] && p->streams[fd]->in_error == 0)
            at_end = false;
    }
    return p->exited && (at_end || p->drained || p->too_much);
}

static void look(struct subprocess *p)
{
    if (p->collecting ? subprocess_is_collected(p) : p->exited)
        waiter_end(&p->waiter);
}

static void on_drained(struct wheel_timer *t)
{
    struct subprocess *p = LIST_OF(t, struct subprocess, drain);
    p->drained = true;
    look(p);
}

static void on_exit_status(uv_process_t *handle, int64_t code, int signal)
{
    struct subprocess *p = LIST_OF(handle, struct subprocess, handle);
    p->exited = true;
    p->code = signal ? 128 + signal : code; /* as a shell says it */
    p->signal = signal;
    if (p->collecting)
        wheel_set(p->env->wheel, &p->drain, SUBPROCESS_DRAIN_MS);
    /* Nothing is to be written to it any more; what it wrote is still to be read. */
    if (p->streams[0])
        channel_close(p->streams[0]);
    uv_close((uv_handle_t *)handle, on_closed);
    look(p);
}

/* Pipes that Lua asked for are made first, as libuv wants to fill them in. */
static void make_stdio(struct subprocess *p, const struct subprocess_spec *spec, uv_stdio_container_t *stdio)
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

int subprocess_spawn(const struct script_env *env, const struct subprocess_spec *spec, struct subprocess **out)
{
    struct subprocess *p = mem_zalloc(sizeof(*p));
    p->env = env;
    waiter_init(&p->waiter, env->wheel);
    wheel_timer_init(&p->drain, on_drained);

    uv_stdio_container_t stdio[SUBPROCESS_FDS_MAX];
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
    if (spec->apart)
        options.flags |= UV_PROCESS_DETACHED;
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
        subprocess_drop(p);
        return rc;
    }
    for (int fd = 1; fd < spec->fds_n; fd++) {
        if (p->streams[fd])
            (void)channel_read_start(p->streams[fd]);
    }
    *out = p;
    return 0;
}

void subprocess_drop(struct subprocess *p)
{
    if (p == NULL || p->dropped)
        return;
    p->dropped = true;
    wheel_clear(p->env->wheel, &p->drain);
    for (int fd = 0; fd < SUBPROCESS_FDS_MAX; fd++) {
        channel_drop(p->streams[fd]);
        p->streams[fd] = NULL;
    }
    if (!p->exited)
        uv_close((uv_handle_t *)&p->handle, on_closed);
    free_when_over(p);
}

int subprocess_kill(struct subprocess *p, int signal)
{
    return p->exited ? UV_ESRCH : uv_process_kill(&p->handle, signal);
}

static void on_output(struct channel *ch, void *arg)
{
    struct subprocess *p = arg;
    if (ch->in.n >= SUBPROCESS_OUTPUT_MAX && !p->too_much) {
        p->too_much = true;
        (void)subprocess_kill(p, SIGKILL);
    }
    look(p);
}

void subprocess_collect(struct subprocess *p)
{
    p->collecting = true;
    for (int fd = 1; fd <= 2; fd++) {
        struct channel *ch = p->streams[fd];
        if (ch == NULL)
            continue;
        ch->in_max = SUBPROCESS_OUTPUT_MAX;
        ch->on_input = on_output;
        ch->arg = p;
        (void)channel_read_start(ch);
    }
}
