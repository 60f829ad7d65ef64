#include "core/pg/pool.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"

TEST("a query with parameters answers, in this order of types")
{
    const char *values[] = {"41", NULL, "a'b"};

    open_with(default_opts());
    CHECK_STR(ask_with("select $1::int + 1", 1, values), 2, "42");
    CHECK_STR(ask_with("select coalesce($2, $1 || $3) from (select 1) x", 3, values), 5, "41a'b");
    CHECK_ASK("select current_setting('TimeZone') || ' ' || current_setting('statement_timeout')", "UTC 3s");
    CHECK_ASK("select current_setting('application_name')", "neap");
    close_all();
}

TEST("a text is prepared at its second use and the plan is used from then on")
{
    open_with(default_opts());
    CHECK_ASK("select count(*) from pg_prepared_statements", "0");
    CHECK_ASK("select 'again'", "again");
    CHECK_ASK("select 'again'", "again");
    CHECK_ASK("select 'again'", "again");
    CHECK_ASK("select count(*) || min(name) from pg_prepared_statements", "1s1");
    close_all();
}

TEST("without prepared statements nothing is prepared")
{
    struct pool_opts opts = default_opts();

    opts.prepared = false;
    open_with(opts);
    for (int i = 0; i < 3; i++)
        CHECK_ASK("select 'again'", "again");
    CHECK_ASK("select count(*) from pg_prepared_statements", "0");
    close_all();
}

TEST("a statement that the server lost is prepared again, also after its table changed")
{
    struct pool_opts opts = default_opts();

    opts.max = 1;
    open_with(opts);
    for (int i = 0; i < 3; i++)
        CHECK_ASK("select 'lost'", "lost");
    CHECK_ASK("deallocate all", "0");
    CHECK_ASK("select 'lost'", "lost");
    CHECK_ASK("create table changing (a int)", "0");
    CHECK_ASK("insert into changing values (7)", "1");
    for (int i = 0; i < 3; i++)
        CHECK_ASK("select * from changing", "7");
    CHECK_ASK("alter table changing alter a type text using a || 'x'", "0");
    CHECK_ASK("select * from changing", "7x");
    CHECK_ASK("drop table changing", "0");
    close_all();
}

TEST("a statement is planned anew when a function in it gives other rows since")
{
    struct pool_opts opts = default_opts();

    opts.max = 1;
    open_with(opts);
    ask("create table changing (a int, b text)");
    ask("insert into changing values (7, 'x')");
    ask("create function all_of() returns setof changing language sql as 'select * from changing'");
    for (int i = 0; i < 3; i++) {
        CHECK_ASK("select (all_of()).a", "7");
        CHECK_ASK("select * from all_of()", "7");
    }
    ask("alter table changing alter a type text using a || 'y'");
    CHECK_ASK("select (all_of()).a", "7y");
    CHECK_ASK("select * from all_of()", "7y");
    ask("alter table changing drop b");
    CHECK_ASK("select (all_of()).a", "7y");
    CHECK_ASK("select * from all_of()", "7y");
    ask("drop table changing cascade");
    close_all();
}

TEST("a table that changes is noticed once for all connections")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};

    opts.max = 1;
    open_with(opts);
    ask("create table changing (a int)");
    ask("insert into changing values (7)");
    for (int i = 0; i < 3; i++) {
        CHECK_ASK("select * from changing", "7");
        CHECK_ASK("select a as other from changing", "7");
    }
    CHECK_ASK("alter table changing alter a type text using a || 'x'", "0");
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "begin", &a);
    WAIT_FOR(a.calls == 1);
    answer_free(&a);
    pg_conn_query(b.conn, &(struct pg_statement){.sql = SLICE_LIT("select * from changing")}, on_answer, &a);
    WAIT_FOR(a.calls == 2);
    CHECK_STR(a.err.sqlstate, 5, "0A000");
    script_on(b.conn, "rollback; begin", &a);
    WAIT_FOR(a.calls == 3);
    pg_conn_query(b.conn, &(struct pg_statement){.sql = SLICE_LIT("select a as other from changing")}, on_answer, &a);
    WAIT_FOR(a.calls == 4);
    CHECK(a.res != NULL);
    answer_free(&a);
    pg_conn_release(b.conn, NULL);
    ask("drop table changing");
    close_all();
}

TEST("the cache stays within its bound and what falls out is deallocated")
{
    struct pool_opts opts = default_opts();
    char sql[64];

    opts.max = 1;
    open_with(opts);
    for (int i = 0; i < STATEMENTS_MAX + 60; i++) {
        snprintf(sql, sizeof sql, "select %d", i);
        ask(sql);
        ask(sql);
    }
    CHECK_ASK("select count(*) <= 256 + 16 and count(*) > 200 from pg_prepared_statements", "t");
    CHECK_ASK("select 315", "315");
    close_all();
}

TEST("an error tells its state, constraint, table and column")
{
    struct answer a = {0};
    struct pg_statement st = statement("insert into errors values (1)");

    open_with(default_opts());
    ask("create table errors (id int constraint errors_id_key unique, name text not null default 'x')");
    CHECK_ASK("insert into errors values (1)", "1");
    pool_query(pool, &st, NULL, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_SERVER);
    CHECK_STR(a.err.sqlstate, 5, "23505");
    CHECK_STR(a.err.constraint, strlen(a.err.constraint), "errors_id_key");
    CHECK_STR(a.err.table, strlen(a.err.table), "errors");
    CHECK(strstr(a.err.message, "duplicate key") != NULL);
    CHECK(strstr(a.err.detail, "(id)=(1)") != NULL);
    CHECK_ASK("insert into errors values (2, null)", "server 23502");
    CHECK_ASK("selct", "server 42601");
    CHECK_ASK("select 1/0", "server 22012");
    ask("drop table errors");
    close_all();
}

TEST("a transaction that was left open is rolled back and counted")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};

    opts.max = 1;
    open_with(opts);
    ask("create table leaks (a int)");
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "begin; insert into leaks values (1)", &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(pg_conn_tx_status(b.conn), PG_TX_OPEN);
    pg_conn_release(b.conn, "app/x.lua:3");
    CHECK_ASK("select count(*) from leaks", "0");
    CHECK_INT(status_now().leaked, 1);
    CHECK_ASK("begin", "0");
    CHECK_ASK("select pg_current_xact_id_if_assigned() is null", "t");
    CHECK_INT(status_now().leaked, 2);
    ask("drop table leaks");
    answer_free(&a);
    close_all();
}

TEST("a connection that is given back while its statement runs comes back clean")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};
    uint64_t started;

    opts.max = 1;
    open_with(opts);
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "begin; select pg_sleep(30)", &a);
    turn_for(50);
    started = now_ms();
    pg_conn_release(b.conn, NULL);
    CHECK_ASK("select 'free'", "free");
    CHECK(now_ms() - started < 1000);
    CHECK_INT(a.calls, 0);
    CHECK_INT(status_now().size, 1);
    close_all();
}

TEST("the line is served in its order, has an end and a deadline")
{
    struct pool_opts opts = default_opts();
    struct borrower first[2], line[4], last;
    uint64_t started;

    opts.acquire_ms = 300;
    open_with(opts);
    borrow(&first[0]);
    borrow(&first[1]);
    WAIT_FOR(first[0].conn && first[1].conn);
    for (int i = 0; i < 4; i++)
        borrow(&line[i]);
    borrow(&last);
    WAIT_FOR(last.calls == 1);
    CHECK_INT(last.err.kind, PG_LINE_FULL);
    CHECK_INT(status_now().waiting, 4);
    pg_conn_release(first[0].conn, NULL);
    WAIT_FOR(line[0].conn);
    CHECK(line[1].conn == NULL);
    pool_wait_cancel(&line[3].wait);
    started = now_ms();
    WAIT_FOR(line[1].calls && line[2].calls);
    CHECK(now_ms() - started < 600);
    CHECK_INT(line[1].err.kind, PG_WAITED);
    CHECK_INT(line[3].calls, 0);
    pg_conn_release(first[1].conn, NULL);
    pg_conn_release(line[0].conn, NULL);
    CHECK_INT(status_now().waited, 2);
    CHECK_INT(status_now().line_full, 1);
    CHECK_INT(status_now().busy, 0);
    close_all();
}

TEST("a wait that is cancelled after it was granted leaves the connection in the pool")
{
    struct pool_opts opts = default_opts();
    struct borrower b;

    opts.max = 1;
    open_with(opts);
    ask("select 1");
    borrow(&b);
    CHECK_INT(status_now().busy, 1);
    pool_wait_cancel(&b.wait);
    CHECK_INT(status_now().busy, 0);
    CHECK_ASK("select 1", "1");
    CHECK_INT(b.calls, 0);
    close_all();
}

TEST("a NUL in a parameter or in the text is refused and nothing is sent")
{
    struct answer a = {0};
    const char *value = "admin\0evil";
    int length = 10;
    struct pg_statement st = {SLICE_LIT("select $1"), 0, 1, &value, &length};

    open_with(default_opts());
    pool_query(pool, &st, NULL, on_answer, &a);
    CHECK_INT(a.calls, 0);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_BAD_PARAM);
    st = (struct pg_statement){slice_of("select 1\0;", 10), 0, 0, NULL, NULL};
    pool_query(pool, &st, NULL, on_answer, &a);
    WAIT_FOR(a.calls == 2);
    CHECK_INT(a.err.kind, PG_BAD_PARAM);
    CHECK_ASK("select 'fine'", "fine");
    close_all();
}

TEST("a cancelled statement ends soon, and the next one on its connection is not hit")
{
    struct pool_opts opts = default_opts();
    struct pool_query *q;
    struct pg_statement st = statement("select pg_sleep(30)");
    uint64_t started;

    opts.max = 1;
    open_with(opts);
    ask("select 1");
    for (int i = 0; i < 20; i++) {
        struct answer a = {0};
        q = pool_query(pool, &st, NULL, on_answer, &a);
        if (i % 2)
            turn_for(10);
        started = now_ms();
        CHECK(!pool_query_cancel(q));
        WAIT_FOR(a.calls == 1);
        CHECK(now_ms() - started < 900);
        CHECK_INT(a.err.kind, PG_CANCELLED);
        CHECK_ASK("select 'next'", "next");
    }
    CHECK_INT(status_now().size, 1);
    CHECK_INT(status_now().lost, 0);
    close_all();
}

TEST("a cancel request that comes too late does not hit the next statement")
{
    struct pool_opts opts = default_opts();
    struct pg_statement st = statement("select 1");
    struct pool_query *q;

    opts.max = 1;
    open_with(opts);
    ask("select 1");
    for (int i = 0; i < 100; i++) {
        struct answer a = {0};
        q = pool_query(pool, &st, NULL, on_answer, &a);
        uv_run(&loop, UV_RUN_NOWAIT); /* sends it */
        if (a.calls == 0)
            CHECK(!pool_query_cancel(q));
        WAIT_FOR(a.calls == 1);
        answer_free(&a);
        CHECK_ASK("select 'next' from pg_sleep(0.005)", "next");
    }
    close_all();
}

TEST("a cancel request that comes too early is sent again")
{
    struct borrower b;
    struct answer a = {0};
    struct pg_statement st = statement("select pg_sleep(30)");
    int pid;

    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    pid = pg_conn_backend_pid(b.conn);
    kill(pid, SIGSTOP);
    pg_conn_query(b.conn, &st, on_answer, &a);
    uv_run(&loop, UV_RUN_NOWAIT); /* sends it */
    pg_conn_cancel(b.conn);
    turn_for(50);
    kill(pid, SIGCONT); /* finds the signal first, while it is still idle */
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_CANCELLED);
    CHECK_STR(a.err.sqlstate, strlen(a.err.sqlstate), "57014");
    CHECK_INT(pg_conn_backend_pid(b.conn), pid);
    pg_conn_release(b.conn, NULL);
    close_all();
}

TEST("the session's statement timeout ends a statement as timed out")
{
    struct pool_opts opts = default_opts();

    opts.statement_ms = 200;
    open_with(opts);
    CHECK_ASK("select pg_sleep(5)", "timed_out 57014");
    CHECK_ASK("select 'fine'", "fine");
    CHECK_INT(status_now().lost, 0);
    close_all();
}

TEST("a server timeout that does not come is followed by our own")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};

    opts.statement_ms = 200;
    open_with(opts);
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "set statement_timeout = 0", &a);
    WAIT_FOR(a.calls == 1);
    answer_free(&a);
    a = (struct answer){0};
    script_on(b.conn, "select pg_sleep(5)", &a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_TIMED_OUT);
    pg_conn_release(b.conn, NULL);
    close_all();
}

TEST("several statements in one text give the last result, or the first error")
{
    struct answer a = {0};

    open_with(default_opts());
    pool_script(pool, SLICE_LIT("select 1; select 2; select 3"), NULL, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    CHECK_STR(pg_result_text(a.res, 0, 0).p, 1, "3");
    pool_script(pool, SLICE_LIT("select 1; select 1/0; select 3"), NULL, on_answer, &a);
    WAIT_FOR(a.calls == 2);
    CHECK_STR(a.err.sqlstate, 5, "22012");
    answer_free(&a);
    close_all();
}

TEST("COPY is refused and its connection is replaced")
{
    open_with(default_opts());
    CHECK_ASK("copy (select 1) to stdout", "bad_param ");
    ask("create table copied (a int)");
    CHECK_ASK("copy copied from stdin", "bad_param ");
    ask("drop table copied");
    close_all();
}

TEST("a connection whose buffer grew large is replaced")
{
    struct pool_opts opts = default_opts();
    char before[16];

    opts.max = 1;
    open_with(opts);
    snprintf(before, sizeof before, "%s", ask("select pg_backend_pid()"));
    CHECK_ASK("select length(repeat('x', 3000000))", "3000000");
    CHECK_ASK("select pg_backend_pid()", before);
    ask("select repeat('x', 3000000)");
    CHECK(strcmp(ask("select pg_backend_pid()"), before) != 0);
    close_all();
}

TEST("connections grow old and are replaced while they are idle or given back")
{
    struct pool_opts opts = default_opts();
    char before[16];

    opts.max = 1;
    opts.recycle_ms = 150;
    open_with(opts);
    snprintf(before, sizeof before, "%s", ask("select pg_backend_pid()"));
    turn_for(200);
    ask("select 1");
    CHECK(strcmp(ask("select pg_backend_pid()"), before) != 0);
    close_all();
}

TEST("a connection that was idle for long is asked before it is used")
{
    struct pool_opts opts = default_opts();

    opts.max = 1;
    opts.ping_idle_ms = 50;
    open_with(opts);
    ask("select 1");
    turn_for(100);
    CHECK_ASK("select 'pinged'", "pinged");
    CHECK_INT(status_now().connects, 1);
    close_all();
}

TEST("min connections are opened at once, and no more than max")
{
    struct pool_opts opts = default_opts();
    struct borrower b[3];

    opts.min = 3;
    opts.max = 3;
    open_with(opts);
    WAIT_FOR(status_now().idle == 3);
    CHECK(status_now().available);
    for (int i = 0; i < 3; i++)
        borrow(&b[i]);
    WAIT_FOR(b[2].conn);
    CHECK_INT(status_now().size, 3);
    for (int i = 0; i < 3; i++)
        pg_conn_release(b[i].conn, NULL);
    close_all();
}

TEST("a pool that is closed while it connects, waits and works tells everybody and leaves nothing")
{
    struct borrower b[3];
    struct answer a = {0};

    open_with(default_opts());
    borrow(&b[0]);
    WAIT_FOR(b[0].conn);
    script_on(b[0].conn, "select 1", &a);
    borrow(&b[1]);
    borrow(&b[2]);
    pool_close(pool, on_pool_closed, &(bool){false});
    WAIT_FOR(a.calls == 1);
    WAIT_FOR(b[1].calls == 1 && b[2].calls == 1);
    CHECK_INT(b[2].err.kind, PG_UNAVAILABLE);
    pg_conn_release(b[0].conn, NULL);
    answer_free(&a);
    while (uv_loop_alive(&loop) && wheel.count + 1 > 0 && uv_run(&loop, UV_RUN_NOWAIT) && loop.active_handles > 1)
        ;
    uv_close((uv_handle_t *)&wheel_timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
}
