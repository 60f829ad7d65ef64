#include "core/pg/pool_line.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"

TEST("a wrong connection string is an unavailable database, and its password is not told")
{
    struct pool_opts opts = default_opts();

    opts.url = "postgres://me:secret@/x?nonsense=1";
    open_with(opts);
    CHECK_ASK("select 1", "unavailable ");
    CHECK(strstr(status_now().last_error, "secret") == NULL);
    CHECK(!status_now().available);
    close_all();
}

TEST("a host that cannot be found is an unavailable database")
{
    struct pool_opts opts = default_opts();

    opts.url = "postgres://me@no-such-host.invalid/x";
    open_with(opts);
    CHECK_ASK("select 1", "unavailable ");
    CHECK(strstr(status_now().last_error, "no-such-host.invalid") != NULL);
    close_all();
}

TEST("a pool that is closed while it looks up a host leaves nothing")
{
    struct pool_opts opts = default_opts();

    opts.url = "postgres://me@no-such-host.invalid/x";
    open_with(opts);
    close_all();
}

TEST("the second host is used when the first does not answer")
{
    struct pool_opts opts = default_opts();
    char url[512];

    snprintf(url, sizeof url, "host=no-such-host.invalid,127.0.0.1,%s port=1,1,5432 user=tester dbname=postgres",
             scratch.dir);
    opts.url = url;
    open_with(opts);
    CHECK_ASK("select 'second'", "second");
    close_all();
}

TEST("a server that stops is an unavailable database at once, and is back by itself")
{
    uint64_t started;

    open_with(default_opts());
    CHECK_ASK("select 1", "1");
    scratch_stop("fast");
    WAIT_FOR(!status_now().available);
    started = now_ms();
    for (int i = 0; i < 100; i++)
        CHECK_ASK("select 1", "unavailable ");
    CHECK(now_ms() - started < 500);
    scratch_start();
    started = now_ms();
    while (strcmp(ask("select 1"), "1") != 0 && now_ms() - started < 5000)
        turn_for(10);
    CHECK(now_ms() - started < 1000);
    CHECK(status_now().available);
    close_all();
}

TEST("those who wait in the line are refused as soon as connecting fails")
{
    struct pool_opts opts = default_opts();
    struct borrower b[3];
    uint64_t started = now_ms();

    scratch_stop("fast");
    opts.acquire_ms = 5000;
    open_with(opts);
    for (int i = 0; i < 3; i++)
        borrow(&b[i]);
    started = now_ms();
    WAIT_FOR(b[2].calls);
    CHECK(now_ms() - started < 500);
    CHECK_INT(b[0].err.kind, PG_UNAVAILABLE);
    scratch_start();
    WAIT_FOR(status_now().available);
    close_all();
}

TEST("a statement that runs when its backend is killed is lost, not sent again")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};
    struct pg_statement st = statement("select pg_sleep(10)");

    opts.max = 1;
    open_with(opts);
    borrow(&b);
    WAIT_FOR(b.conn);
    pg_conn_query(b.conn, &st, on_answer, &a);
    turn_for(50);
    kill(pg_conn_backend_pid(b.conn), SIGTERM);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_LOST);
    CHECK_STR(a.err.sqlstate, 5, "57P01");
    a = (struct answer){0};
    pg_conn_query(b.conn, &st, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_LOST);
    pg_conn_release(b.conn, NULL);
    CHECK_ASK("select 'new'", "new");
    CHECK_INT(status_now().lost, 1);
    close_all();
}

TEST("a backend that ended while idle is not given out, even when nobody has noticed yet")
{
    struct pool_opts opts = default_opts();
    int pid;

    opts.max = 1;
    open_with(opts);
    for (int i = 0; i < 10; i++) {
        pid = atoi(ask("select pg_backend_pid()"));
        kill(pid, SIGTERM);
        while (kill(pid, 0) == 0)
            usleep(1000);
        CHECK_ASK("select 'sent elsewhere'", "sent elsewhere");
    }
    CHECK_INT(status_now().lost, 10);
    close_all();
}

TEST("kill -9 of a backend ends all sessions; the pool comes back when recovery is over")
{
    struct borrower b;
    uint64_t started;

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    kill(pg_conn_backend_pid(b.conn), SIGKILL);
    turn_for(100);
    pg_conn_release(b.conn, NULL);
    started = now_ms();
    while (strcmp(ask("select 1"), "1") != 0 && now_ms() - started < 10000)
        turn_for(10);
    CHECK(now_ms() - started < 5000);
    close_all();
}

static void stop_server(int signal)
{
    kill(-getpgid(scratch_postmaster()), 0);
    kill(scratch_postmaster(), signal);
}

TEST("a frozen backend: the statement times out and its connection is dropped")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};
    struct pg_statement st = statement("select 1");
    int pid;

    opts.statement_ms = 200;
    open_with(opts);
    borrow(&b);
    WAIT_FOR(b.conn);
    pid = pg_conn_backend_pid(b.conn);
    kill(pid, SIGSTOP);
    pg_conn_query(b.conn, &st, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    kill(pid, SIGCONT);
    CHECK_INT(a.err.kind, PG_TIMED_OUT);
    CHECK_INT(pg_conn_backend_pid(b.conn), 0);
    pg_conn_release(b.conn, NULL);
    CHECK_ASK("select 'new'", "new");
    close_all();
}

TEST("a frozen server: connecting has a deadline, callers are refused, and all is well when it wakes")
{
    struct pool_opts opts = default_opts();
    uint64_t started;

    opts.connect_ms = 300;
    opts.acquire_ms = 2000;
    stop_server(SIGSTOP);
    open_with(opts);
    started = now_ms();
    CHECK_ASK("select 1", "unavailable ");
    CHECK(now_ms() - started < 1000);
    stop_server(SIGCONT);
    while (strcmp(ask("select 1"), "1") != 0 && now_ms() - started < 10000)
        turn_for(10);
    CHECK_ASK("select 1", "1");
    close_all();
}

TEST("statements that are cancelled on a frozen server do not hold up the others' lookups")
{
    struct pool_opts opts = default_opts();
    struct answer a[6] = {0};
    struct pool_query *q[6];
    struct pg_statement st = statement("select pg_sleep(20)");

    opts.max = 6;
    opts.statement_ms = 30000;
    opts.line_max = 10;
    open_with(opts);
    for (int i = 0; i < 6; i++)
        q[i] = pool_query(pool, &st, NULL, on_answer, &a[i]);
    WAIT_FOR(status_now().busy == 6);
    turn_for(50);
    stop_server(SIGSTOP);
    for (int i = 0; i < 6; i++)
        pool_query_cancel(q[i]);
    WAIT_FOR(a[0].calls && a[1].calls && a[2].calls && a[3].calls && a[4].calls && a[5].calls);
    for (int i = 0; i < 6; i++)
        CHECK_INT(a[i].err.kind, PG_CANCELLED);
    CHECK_INT(status_now().busy, 0);
    stop_server(SIGCONT);
    close_all();
}
