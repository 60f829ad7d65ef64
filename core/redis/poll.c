#include "redis/redis_internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* Outlives the context by the turn that closing a handle takes. */
struct poll {
    uv_poll_t handle;
    redisAsyncContext *ac; /* NULL once it is gone */
    struct redis *redis;
    int events;
};

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct poll *p = h->data;
    struct redis *r = p->redis;
    /* An error is hiredis's to find: what it then does with the socket fails and says why. */
    if (p->ac != NULL && (status < 0 || (events & UV_WRITABLE) != 0) && (p->events & UV_WRITABLE) != 0)
        redisAsyncHandleWrite(p->ac);
    if (p->ac != NULL && (status < 0 || (events & UV_READABLE) != 0))
        redisAsyncHandleRead(p->ac);
    if (p->ac != NULL && status < 0 && r->ac == p->ac) /* it found nothing, but libuv has stopped looking */
        redis_drop(r, uv_strerror(status));
}

static void look_for(struct poll *p, int events)
{
    if (events == p->events)
        return;
    p->events = events;
    if (events != 0)
        uv_poll_start(&p->handle, events, on_ready);
    else
        uv_poll_stop(&p->handle);
}

static void add_read(void *arg)
{
    struct poll *p = arg;
    look_for(p, p->events | UV_READABLE);
}

static void del_read(void *arg)
{
    struct poll *p = arg;
    look_for(p, p->events & ~UV_READABLE);
}

static void add_write(void *arg)
{
    struct poll *p = arg;
    look_for(p, p->events | UV_WRITABLE);
}

static void del_write(void *arg)
{
    struct poll *p = arg;
    look_for(p, p->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *h)
{
    struct poll *p = h->data;
    struct redis *r = p->redis;
    free(p);
    r->open--;
    redis_settle(r);
}

/* hiredis closes the socket next. */
static void cleanup(void *arg)
{
    struct poll *p = arg;
    p->ac = NULL;
    uv_close((uv_handle_t *)&p->handle, on_closed);
}

int poll_attach(struct redis *r, redisAsyncContext *ac)
{
    struct poll *p = mem_zalloc(sizeof *p);
    if (uv_poll_init(r->opts.loop, &p->handle, ac->c.fd) != 0) {
        free(p);
        return -1;
    }
    p->handle.data = p;
    p->ac = ac;
    p->redis = r;
    r->open++;
    ac->ev.data = p;
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.cleanup = cleanup;
    return 0;
}
