#include "host/watch.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/tree.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    GATHER_MS = 10, /* one save is several events */
    POLL_MS = 1000,
};

struct watched { /* one folder */
    uv_fs_event_t handle;
    struct list link;
    struct watch *watch;
    char *path; /* owned */
    bool stale; /* something happened to the folder itself: it may be another one of the same name by now */
};

struct watch {
    uv_loop_t *loop;
    const struct place *place; /* borrowed */
    void (*on_saved)(const char *what, void *arg);
    void *arg;
    uv_timer_t timer;
    struct list dirs;
    struct tree tree; /* as of the last look */
    unsigned open_handles;
    bool polling; /* some folder could not be watched */
    bool closing;
};

static void on_timer(uv_timer_t *t);

static void unref(struct watch *w)
{
    if (--w->open_handles > 0)
        return;
    tree_free(&w->tree);
    free(w);
}

static void on_dir_closed(uv_handle_t *h)
{
    struct watched *d = h->data;
    struct watch *w = d->watch;
    free(d->path);
    free(d);
    unref(w);
}

static void on_timer_closed(uv_handle_t *h)
{
    unref(h->data);
}

static void close_dir(struct watched *d)
{
    list_remove(&d->link);
    uv_close((uv_handle_t *)&d->handle, on_dir_closed);
}

/* Of an event that concerns the folder itself the name is the folder's own. (Its inode would not tell a new folder from
 * the old one: file systems hand a freed number out again at once.) */
static void on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
    struct watched *d = h->data;
    struct watch *w = d->watch;
    const char *own = strrchr(d->path, '/') + 1;
    if (status < 0 || ((events & UV_RENAME) && (name == NULL || strcmp(name, own) == 0)))
        d->stale = true;
    if (!w->closing && !w->polling)
        uv_timer_start(&w->timer, on_timer, GATHER_MS, 0);
}

static void open_dir(struct watch *w, const struct tree_entry *e)
{
    struct watched *d = mem_zalloc(sizeof *d);
    d->watch = w;
    d->path = mem_dup(e->path, strlen(e->path));
    d->handle.data = d;
    list_push_back(&w->dirs, &d->link);
    uv_fs_event_init(w->loop, &d->handle);
    w->open_handles++;
    int rc = uv_fs_event_start(&d->handle, on_event, d->path, 0);
    if (rc < 0 && !w->polling) {
        w->polling = true;
        log_note(LOG_WARN, "watch", "no more folders can be watched: looking every second", "error", uv_strerror(rc));
    }
}

static struct watched *find_dir(const struct watch *w, const char *path)
{
    for (struct list *l = w->dirs.next; l != &w->dirs; l = l->next) {
        struct watched *d = LIST_OF(l, struct watched, link);
        if (strcmp(d->path, path) == 0)
            return d;
    }
    return NULL;
}

static void follow_dirs(struct watch *w, const struct tree *now)
{
    struct list *next;
    for (struct list *l = w->dirs.next; l != &w->dirs; l = next) {
        struct watched *d = LIST_OF(l, struct watched, link);
        next = l->next;
        if (d->stale || tree_find(&now->dirs, d->path) == NULL)
            close_dir(d);
    }
    for (size_t i = 0; i < now->dirs.n; i++)
        if (find_dir(w, now->dirs.items[i].path) == NULL)
            open_dir(w, &now->dirs.items[i]);
}

static void scan(const struct watch *w, struct tree *out)
{
    char path[PATH_MAX];
    tree_scan(out, w->place->app_dir, false, true);
    snprintf(path, sizeof path, "%s/lua", w->place->app_dir);
    tree_scan(out, path, true, false);
    if (w->place->home && strcmp(w->place->home, w->place->app_dir) != 0) {
        snprintf(path, sizeof path, "%s/lua", w->place->home);
        tree_scan(out, path, true, false);
    }
    tree_sort(out);
}

/* A folder that appears between the scan and its watch may hold files that neither saw: so a look that opened watches
 * is followed by another. */
static void look(struct watch *w)
{
    struct tree now = {0};
    struct buf what = BUF_INIT;
    unsigned handles = w->open_handles;

    scan(w, &now);
    follow_dirs(w, &now);
    size_t changes = tree_diff(&w->tree, &now, w->place->app_dir, &what);
    tree_free(&w->tree);
    w->tree = now;
    if (w->polling || w->open_handles > handles)
        uv_timer_start(&w->timer, on_timer, w->polling ? POLL_MS : GATHER_MS, 0);
    if (changes > 0) {
        buf_char(&what, '\0');
        w->on_saved(what.p, w->arg);
    }
    buf_free(&what);
}

static void on_timer(uv_timer_t *t)
{
    look(t->data);
}

struct watch *watch_open(uv_loop_t *loop, const struct place *place, void (*on_saved)(const char *what, void *arg),
                         void *arg)
{
    struct watch *w = mem_zalloc(sizeof *w);
    w->loop = loop;
    w->place = place;
    w->on_saved = on_saved;
    w->arg = arg;
    list_init(&w->dirs);
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    w->open_handles = 1;
    scan(w, &w->tree);
    follow_dirs(w, &w->tree);
    uv_timer_start(&w->timer, on_timer, w->polling ? POLL_MS : GATHER_MS, 0);
    return w;
}

void watch_close(struct watch *w)
{
    struct list *l;
    if (w == NULL || w->closing)
        return;
    w->closing = true;
    while ((l = list_first(&w->dirs)) != NULL)
        close_dir(LIST_OF(l, struct watched, link));
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}
