#include "pg/defer.h"

/* What is asked for meanwhile waits for the turn after this one: a caller who fails and tries again for ever must not
 * keep the loop from its sockets. */
static void on_idle(uv_idle_t *handle)
{
    struct defer *d = LIST_OF(handle, struct defer, idle);
    struct list now;

    list_init(&now);
    while (!list_is_empty(&d->due)) {
        struct list *n = list_first(&d->due);
        list_remove(n);
        list_push_back(&now, n);
    }
    while (!list_is_empty(&now)) {
        struct deferred *call = LIST_OF(list_first(&now), struct deferred, link);
        list_remove(&call->link);
        call->fn(call);
    }
    if (list_is_empty(&d->due))
        uv_idle_stop(handle);
}

void defer_init(struct defer *d, uv_loop_t *loop)
{
    uv_idle_init(loop, &d->idle);
    list_init(&d->due);
}

void defer_close(struct defer *d, uv_close_cb on_closed)
{
    while (!list_is_empty(&d->due))
        list_remove(list_first(&d->due));
    uv_close((uv_handle_t *)&d->idle, on_closed);
}

void deferred_init(struct deferred *d, deferred_fn fn)
{
    list_init(&d->link);
    d->fn = fn;
}

void defer_call(struct defer *d, struct deferred *call)
{
    if (!list_is_empty(&call->link))
        return;
    list_push_back(&d->due, &call->link);
    if (!uv_is_active((uv_handle_t *)&d->idle))
        uv_idle_start(&d->idle, on_idle);
}

bool defer_drop(struct deferred *call)
{
    bool was_due = !list_is_empty(&call->link);

    list_remove(&call->link);
    return was_due;
}
