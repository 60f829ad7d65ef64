#include "pg/listen.h"
#include "base/log.h"
#include "base/mem.h"
#include "pg/pool_internal.h"
#include <stdlib.h>

struct listen_channel {
    struct list link;
    struct list listeners;
    bool asked; /* a LISTEN is under way */
    bool heard; /* the server sends what is told there */
    char name[LISTEN_CHANNEL_MAX + 1];
};

static void settle(struct listen *ln);

static struct listen_channel *channel_of(struct list *n)
{
    return LIST_OF(n, struct listen_channel, link);
}

static bool is_wanted(const struct listen_channel *ch)
{
    return !list_is_empty(&ch->listeners);
}

static void channel_free(struct listen_channel *ch)
{
    list_remove(&ch->link);
    free(ch);
}

static struct listen_channel *channel_find(struct listen *ln, struct slice name)
{
    for (struct list *n = ln->channels.next; n != &ln->channels; n = n->next)
        if (slice_eq(slice_str(channel_of(n)->name), name))
            return channel_of(n);
    return NULL;
}

static struct listen_channel *channel_new(struct listen *ln, struct slice name)
{
    struct listen_channel *ch = mem_zalloc(sizeof *ch);

    assert(name.n > 0 && name.n <= LISTEN_CHANNEL_MAX);
    memcpy(ch->name, name.p, name.n);
    list_init(&ch->link);
    list_init(&ch->listeners);
    list_push_back(&ln->channels, &ch->link);
    return ch;
}

/* ---- telling ---- */

static void tell_channel(struct listen *ln, struct listen_channel *ch, enum listen_event event, struct slice payload)
{
    ln->telling = true;
    for (struct list *n = ch->listeners.next; n != &ch->listeners; n = n->next) {
        struct pg_listener *l = LIST_OF(n, struct pg_listener, link);
        l->fn(l, event, payload);
    }
    ln->telling = false;
}

/* To those whom the connection hears for, since it is there or since they came. */
static void tell_begun(struct listen *ln)
{
    ln->telling = true;
    for (struct list *i = ln->channels.next; i != &ln->channels; i = i->next) {
        struct listen_channel *ch = channel_of(i);
        for (struct list *n = ch->listeners.next; ch->heard && n != &ch->listeners; n = n->next) {
            struct pg_listener *l = LIST_OF(n, struct pg_listener, link);
            if (l->heard)
                continue;
            l->heard = true;
            l->fn(l, l->begun ? LISTEN_GAP : LISTEN_BEGUN, (struct slice){0});
            l->begun = true;
        }
    }
    ln->telling = false;
}

static void on_notify(struct pg_conn *c, struct slice channel, struct slice payload)
{
    struct listen *ln = c->owner;
    struct listen_channel *ch = channel_find(ln, channel);

    if (ch) /* else its last listener has just gone */
        tell_channel(ln, ch, LISTEN_MESSAGE, payload);
}

/* ---- the connection ---- */

static void forget_all(struct listen *ln)
{
    for (struct list *i = ln->channels.next; i != &ln->channels; i = i->next) {
        struct listen_channel *ch = channel_of(i);
        ch->asked = ch->heard = false;
        for (struct list *n = ch->listeners.next; n != &ch->listeners; n = n->next)
            LIST_OF(n, struct pg_listener, link)->heard = false;
    }
}

static void hang_up(struct listen *ln)
{
    if (ln->conn)
        pg_conn_close(ln->conn);
    ln->conn = NULL;
    wheel_clear(ln->pool->opts.wheel, &ln->ping);
    forget_all(ln);
}

static void lost(struct listen *ln, const char *why)
{
    if (ln->failures++ == 0)
        log_note(LOG_WARN, "pool", "listening is interrupted", "error", why);
    hang_up(ln);
    wheel_set(ln->pool->opts.wheel, &ln->retry, pool_backoff_ms(ln->failures));
}

static void on_opened(struct pg_conn *c)
{
    pg_conn_set_deadline(c, LISTEN_ANSWER_MS);
    settle(c->owner);
}

static void on_failed(struct pg_conn *c, const char *why)
{
    lost(c->owner, why);
}

static void on_died(struct pg_conn *c)
{
    lost(c->owner, c->broken);
}

/* The answer to what was asked says the same, or that there is none. */
static void on_silent(struct pg_conn *c, uint64_t ms)
{
    (void)c;
    (void)ms;
}

static void on_read_only(struct pg_conn *c)
{
    (void)c;
}

static void on_gone(struct pg_conn *c)
{
    pool_gone(((struct listen *)c->owner)->pool);
}

void listen_elsewhere(struct listen *ln)
{
    if (ln->conn)
        lost(ln, "the database takes no writes here any more");
}

static const struct conn_events events = {on_opened, on_failed, on_died, on_silent, on_read_only, on_gone, on_notify};

static void hang_on(struct listen *ln)
{
    ln->pool->alive++;
    ln->conn = pg_conn_open(&ln->pool->conn_opts, &events, ln);
}

static void on_retry(struct wheel_timer *t)
{
    settle(LIST_OF(t, struct listen, retry));
}

/* ---- the statements ---- */

static void on_pinged(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct listen *ln = arg;

    pg_result_free(res);
    if (err) {
        lost(ln, err->message);
        return;
    }
    wheel_set(ln->pool->opts.wheel, &ln->ping, ln->ping_ms);
    settle(ln);
}

static void on_ping(struct wheel_timer *t)
{
    struct listen *ln = LIST_OF(t, struct listen, ping);

    if (ln->conn->fn == NULL) /* else an answer is awaited, with its own deadline */
        pg_conn_script(ln->conn, SLICE_LIT("SELECT 1"), on_pinged, ln);
}

static void on_asked(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct listen *ln = arg;

    pg_result_free(res);
    if (err) {
        lost(ln, err->message);
        return;
    }
    for (struct list *i = ln->channels.next; i != &ln->channels; i = i->next) {
        struct listen_channel *ch = channel_of(i);
        ch->heard |= ch->asked;
        ch->asked = false;
    }
    if (ln->failures > 0)
        log_note(LOG_INFO, "pool", "listening again", NULL, NULL);
    ln->failures = 0;
    wheel_set(ln->pool->opts.wheel, &ln->ping, ln->ping_ms);
    settle(ln);
}

static void put_command(struct buf *sql, const char *command, const char *name)
{
    buf_str(sql, command);
    buf_lit(sql, " \"");
    for (; *name; name++) {
        if (*name == '"')
            buf_char(sql, '"');
        buf_char(sql, *name);
    }
    buf_lit(sql, "\";");
}

/* What the server is to hear of, all in one statement. */
static void send_wants(struct listen *ln)
{
    struct buf sql = BUF_INIT;

    for (struct list *i = ln->channels.next; i != &ln->channels; i = i->next) {
        struct listen_channel *ch = channel_of(i);
        if (is_wanted(ch) && !ch->heard) {
            ch->asked = true;
            put_command(&sql, "LISTEN", ch->name);
        } else if (!is_wanted(ch) && ch->heard) {
            ch->heard = false;
            put_command(&sql, "UNLISTEN", ch->name);
        }
    }
    if (sql.n > 0)
        pg_conn_script(ln->conn, buf_view(&sql), on_asked, ln);
    buf_free(&sql);
}

/* ---- what there is to do ---- */

static bool drop_unwanted(struct listen *ln)
{
    bool any = false;

    for (struct list *n = ln->channels.next, *next; n != &ln->channels; n = next) {
        struct listen_channel *ch = channel_of(n);
        next = n->next;
        any |= is_wanted(ch);
        if (!is_wanted(ch) && !ch->heard && !ch->asked)
            channel_free(ch);
    }
    return any;
}

static void settle(struct listen *ln)
{
    if (!drop_unwanted(ln)) {
        hang_up(ln);
        wheel_clear(ln->pool->opts.wheel, &ln->retry);
        ln->failures = 0;
        drop_unwanted(ln);
    } else if (ln->conn == NULL) {
        if (!wheel_is_set(&ln->retry))
            hang_on(ln);
    } else if (pg_conn_is_open(ln->conn) && ln->conn->fn == NULL) {
        tell_begun(ln);
        send_wants(ln);
    }
}

static void on_settle(struct deferred *d)
{
    settle(LIST_OF(d, struct listen, settle));
}

void pool_listen(struct pool *p, struct pg_listener *l, struct slice name, listen_fn fn)
{
    struct listen *ln = &p->listen;
    struct listen_channel *ch = channel_find(ln, name);

    assert(!ln->telling);
    *l = (struct pg_listener){.fn = fn};
    list_init(&l->link);
    if (p->closing)
        return;
    l->channel = ch ? ch : channel_new(ln, name);
    list_push_back(&l->channel->listeners, &l->link);
    defer_call(&p->defer, &ln->settle);
}

void pool_unlisten(struct pool *p, struct pg_listener *l)
{
    if (l->channel == NULL)
        return;
    assert(!p->listen.telling);
    list_remove(&l->link);
    l->channel = NULL;
    defer_call(&p->defer, &p->listen.settle);
}

void listen_init(struct listen *ln, struct pool *p, uint64_t ping_ms)
{
    ln->pool = p;
    ln->ping_ms = ping_ms > 0 ? ping_ms : LISTEN_PING_MS;
    list_init(&ln->channels);
    deferred_init(&ln->settle, on_settle);
    wheel_timer_init(&ln->retry, on_retry);
    wheel_timer_init(&ln->ping, on_ping);
}

void listen_close(struct listen *ln)
{
    defer_drop(&ln->settle);
    wheel_clear(ln->pool->opts.wheel, &ln->retry);
    hang_up(ln);
    while (!list_is_empty(&ln->channels)) {
        struct listen_channel *ch = channel_of(list_first(&ln->channels));
        while (is_wanted(ch)) {
            struct pg_listener *l = LIST_OF(list_first(&ch->listeners), struct pg_listener, link);
            list_remove(&l->link);
            l->channel = NULL;
        }
        channel_free(ch);
    }
}
