#include "core/pg/listen.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"

struct ear { /* what one listener heard: "begun hello gap " */
    struct pg_listener on;
    struct buf heard;
};

static void on_event(struct pg_listener *l, enum listen_event event, struct slice payload)
{
    struct ear *ear = LIST_OF(l, struct ear, on);

    if (event == LISTEN_MESSAGE)
        buf_slice(&ear->heard, payload);
    else
        buf_str(&ear->heard, event == LISTEN_GAP ? "gap" : "begun");
    buf_char(&ear->heard, ' ');
}

static void hear(struct ear *ear, const char *channel)
{
    ear->heard = BUF_INIT;
    pool_listen(pool, &ear->on, slice_str(channel), on_event);
}

static bool has_heard(const struct ear *ear, const char *what)
{
    return slice_eq(buf_view(&ear->heard), slice_str(what));
}

#define CHECK_HEARD(ear, what)                           \
    do {                                                 \
        WAIT_FOR((ear)->heard.n >= strlen(what));        \
        CHECK_STR((ear)->heard.p, (ear)->heard.n, what); \
    } while (0)

#define SESSIONS "select count(*) from pg_stat_activity where query ~ '^(UN)?LISTEN|^SELECT 1'"

TEST("a message reaches all who listen on its channel, in order, on one connection that is none of the pool's")
{
    struct ear a, b, other;

    open_with(default_opts());
    hear(&a, "news");
    hear(&b, "news");
    hear(&other, "other");
    CHECK_INT(a.heard.n, 0);
    CHECK_HEARD(&a, "begun ");
    CHECK_HEARD(&other, "begun ");
    ask("select pg_notify('news', 'm' || x) from generate_series(1, 3) x");
    ask("notify news");
    CHECK_HEARD(&a, "begun m1 m2 m3  ");
    CHECK_HEARD(&b, "begun m1 m2 m3  ");
    CHECK_ASK(SESSIONS, "1");
    CHECK(status_now().size <= 2);
    CHECK_HEARD(&other, "begun ");
    close_all();
    CHECK(a.on.channel == NULL);
    pool_unlisten(NULL, &a.on);
    buf_free(&a.heard);
    buf_free(&b.heard);
    buf_free(&other.heard);
}

TEST("who comes later begins without a gap, who goes hears nothing more, and after the last one the connection is closed")
{
    struct ear a, b;

    open_with(default_opts());
    hear(&a, "news");
    CHECK_HEARD(&a, "begun ");
    hear(&b, "news");
    CHECK_HEARD(&b, "begun ");
    pool_unlisten(pool, &a.on);
    ask("notify news, 'one'");
    CHECK_HEARD(&b, "begun one ");
    CHECK(has_heard(&a, "begun "));
    buf_free(&a.heard);
    hear(&a, "more");
    CHECK_HEARD(&a, "begun ");
    pool_unlisten(pool, &b.on);
    ask("notify news, 'two'");
    ask("notify more, 'three'");
    CHECK_HEARD(&a, "begun three ");
    CHECK(has_heard(&b, "begun one "));
    CHECK_ASK(SESSIONS, "1");
    pool_unlisten(pool, &a.on);
    WAIT_FOR(pool->listen.conn == NULL);
    CHECK(list_is_empty(&pool->listen.channels));
    buf_free(&b.heard);
    hear(&b, "news");
    CHECK_HEARD(&b, "begun ");
    close_all();
    buf_free(&a.heard);
    buf_free(&b.heard);
}

TEST("a channel may have any name")
{
    struct ear a, b;

    open_with(default_opts());
    hear(&a, "\"; drop table x; --");
    hear(&b, "Gr\xc3\xb6\xc3\x9f"
             "e");
    CHECK_HEARD(&a, "begun ");
    CHECK_HEARD(&b, "begun ");
    ask("select pg_notify('\"; drop table x; --', 'quoted')");
    ask("select pg_notify('Gr\xc3\xb6\xc3\x9f"
        "e', 'utf8')");
    CHECK_HEARD(&a, "begun quoted ");
    CHECK_HEARD(&b, "begun utf8 ");
    close_all();
    buf_free(&a.heard);
    buf_free(&b.heard);
}

TEST("after a lost connection all channels are heard again, with a gap")
{
    struct ear a, b;

    open_with(default_opts());
    hear(&a, "news");
    hear(&b, "other");
    CHECK_HEARD(&a, "begun ");
    CHECK_HEARD(&b, "begun ");
    ask("select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN%'");
    CHECK_HEARD(&a, "begun gap ");
    CHECK_HEARD(&b, "begun gap ");
    ask("notify news, 'again'");
    CHECK_HEARD(&a, "begun gap again ");
    close_all();
    buf_free(&a.heard);
    buf_free(&b.heard);
}

TEST("a server that restarts costs a gap; who began meanwhile begins when it is back")
{
    struct ear a, b;

    open_with(default_opts());
    hear(&a, "news");
    CHECK_HEARD(&a, "begun ");
    scratch_stop("immediate");
    WAIT_FOR(pool->listen.failures > 1);
    hear(&b, "news");
    turn_for(100);
    CHECK_INT(b.heard.n, 0);
    scratch_start();
    CHECK_HEARD(&a, "begun gap ");
    CHECK_HEARD(&b, "begun ");
    while (strcmp(ask("notify news, 'back'"), "unavailable ") == 0)
        turn_for(10);
    CHECK_HEARD(&a, "begun gap back ");
    CHECK_HEARD(&b, "begun back ");
    close_all();
    buf_free(&a.heard);
    buf_free(&b.heard);
}

TEST("a session that answers no more is noticed, though its socket stays open")
{
    struct pool_opts opts = default_opts();
    struct ear a;
    int pid;

    opts.listen_ping_ms = 50;
    open_with(opts);
    hear(&a, "news");
    CHECK_HEARD(&a, "begun ");
    turn_for(500);
    CHECK(has_heard(&a, "begun "));
    pid = pg_conn_backend_pid(pool->listen.conn);
    CHECK_INT(kill(pid, SIGSTOP), 0);
    CHECK_HEARD(&a, "begun gap ");
    kill(pid, SIGCONT);
    ask("notify news, 'seen'");
    CHECK_HEARD(&a, "begun gap seen ");
    close_all();
    buf_free(&a.heard);
}

TEST("a pool that closes while its listeners wait for a server leaves nothing")
{
    struct pool_opts opts = default_opts();
    struct ear a, b;

    opts.url = "postgres://me@127.0.0.1:1/x";
    open_with(opts);
    hear(&a, "news");
    turn_for(50);
    hear(&b, "news");
    close_all();
    CHECK_INT(a.heard.n, 0);
    pool_unlisten(NULL, &b.on);
}
