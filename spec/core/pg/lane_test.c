#include "core/pg/lane.c"
#include "spec/core/test.h"
#include "spec/core/pg/lane_fixture.h"

enum { MANY = 1000 };

TEST("quick reads of different callers share one connection, and each gets its own answer")
{
    static struct answer answers[MANY];
    char number[16];
    int right = 0;

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < 200; i++) {
        snprintf(number, sizeof number, "%d", i);
        submit(POOL_ANY, "select $1::int", number, &answers[i]);
    }
    CHECK_INT(pool->lanes[0].depth, 200);
    CHECK_INT(status_now().busy, 1);
    wait_for_all(answers, 200);
    for (int i = 0; i < 200; i++)
        right += atoi(cell(&answers[i])) == i;
    CHECK_INT(right, 200);
    free_all(answers, 200);
    CHECK_INT(status_now().busy, 0);
    CHECK_INT(status_now().size, 4);
    close_all();
}

TEST("of a thousand statements of which every tenth fails exactly those fail")
{
    static struct answer answers[MANY];
    char number[16];
    int failed = 0, right = 0;

    open_with(shared_opts());
    make_quick(POOL_ANY, "select 10 / $1::int", "1");
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < MANY; i++) {
        snprintf(number, sizeof number, "%d", i % 10);
        submit(POOL_ANY, "select 10 / $1::int", number, &answers[i]);
    }
    CHECK(pool->lanes[0].depth > 100);
    wait_for_all(answers, MANY);
    for (int i = 0; i < MANY; i++) {
        if (i % 10 == 0)
            failed += strcmp(cell(&answers[i]), "server 22012") == 0;
        else
            right += atoi(cell(&answers[i])) == 10 / (i % 10);
    }
    CHECK_INT(failed, MANY / 10);
    CHECK_INT(right, MANY - MANY / 10);
    free_all(answers, MANY);
    CHECK_INT(status_now().busy, 0);
    close_all();
}

TEST("a text that cannot be prepared fails alone, and again when it comes again")
{
    struct answer good[2] = {{0}}, bad = {0};

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    ask("create table soon_gone (a int)");
    make_quick(POOL_ANY, "select count(*) from soon_gone", NULL);
    ask("drop table soon_gone");
    for (int i = 0; i < 3; i++) {
        memset(good, 0, sizeof good);
        memset(&bad, 0, sizeof bad);
        submit(POOL_ANY, "select $1::int", "7", &good[0]);
        submit(POOL_ANY, "select count(*) from soon_gone", NULL, &bad);
        submit(POOL_ANY, "select $1::int", "8", &good[1]);
        WAIT_FOR(good[0].calls == 1 && good[1].calls == 1 && bad.calls == 1);
        CHECK_STR(cell(&bad), strlen(cell(&bad)), "server 42P01");
        CHECK_INT(atoi(cell(&good[0])), 7);
        CHECK_INT(atoi(cell(&good[1])), 8);
        free_all(good, 2);
        answer_free(&bad);
    }
    close_all();
}

TEST("a table that changes under its plan is read anew")
{
    open_with(shared_opts());
    ask("create table changing (a int)");
    ask("insert into changing values (7)");
    make_quick(POOL_ANY, "select * from changing", NULL);
    ask("alter table changing alter a type text using a || 'x'");
    CHECK_SHARE(POOL_ANY, "select * from changing", NULL, "7x");
    CHECK_SHARE(POOL_ANY, "select * from changing", NULL, "7x");
    ask("drop table changing");
    close_all();
}

TEST("a function that gives other rows since has its statement planned anew")
{
    open_with(shared_opts());
    ask("create table changing (a int, b text)");
    ask("insert into changing values (7, 'x')");
    ask("create function all_of() returns setof changing language sql as 'select * from changing'");
    make_quick(POOL_ANY, "select * from all_of()", NULL);
    ask("alter table changing alter a type text using a || 'y'");
    CHECK_SHARE(POOL_ANY, "select * from all_of()", NULL, "7y");
    CHECK_SHARE(POOL_ANY, "select * from all_of()", NULL, "7y");
    ask("drop table changing cascade");
    close_all();
}

TEST("a read that turns out to write is moved to where writes are, for good, and is done once each time")
{
    struct slice sql = SLICE_LIT("select count_one()");
    struct text_past *past;
    uint64_t until = now_ms() + 10000;
    int n = 0;
    char want[16];

    open_with(shared_opts());
    past = &pool->history.past[statement_hash(sql) % HISTORY_PLACES];
    ask("create table counted (n int)");
    ask("create or replace function count_one() returns bigint language sql as "
        "'insert into counted values (1); select count(*) from counted'");
    while (!past->wrote && now_ms() < until) {
        snprintf(want, sizeof want, "%d", ++n);
        CHECK_SHARE(POOL_ANY, sql.p, NULL, want);
    }
    CHECK(past->wrote);
    for (int i = 0; i < 5; i++) {
        snprintf(want, sizeof want, "%d", ++n);
        CHECK_SHARE(POOL_ANY, sql.p, NULL, want);
    }
    ask("drop function count_one()");
    ask("drop table counted");
    close_all();
}

TEST("writes are done in the order in which they were sent, and one that fails takes no other with it")
{
    static struct answer answers[200];
    char number[16];
    int failed = 0;

    open_with(shared_opts());
    ask("create table written (i int generated always as identity, n int check (n % 10 <> 3))");
    make_quick(POOL_WRITES, "insert into written (n) values ($1)", "1000");
    ask("truncate written restart identity");
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < 200; i++) {
        snprintf(number, sizeof number, "%d", i);
        submit(POOL_WRITES, "insert into written (n) values ($1)", number, &answers[i]);
    }
    CHECK(pool->lanes[LANES - 1].depth > 100);
    wait_for_all(answers, 200);
    for (int i = 0; i < 200; i++)
        failed += answers[i].err.kind == PG_SERVER && i % 10 == 3;
    CHECK_INT(failed, 20);
    CHECK_ASK("select count(*) from written", "180");
    CHECK_ASK("select count(*) from (select n - lag(n) over (order by i) as d from written) x where d <= 0", "0");
    free_all(answers, 200);
    ask("drop table written");
    close_all();
}

TEST("a write is done only when its transaction is: a constraint that is checked late fails it")
{
    open_with(shared_opts());
    ask("create table late (n int unique deferrable initially deferred)");
    make_quick(POOL_WRITES, "insert into late select $1::int from generate_series(1, $1::int)", "0");
    CHECK_SHARE(POOL_WRITES, "insert into late select $1::int from generate_series(1, $1::int)", "1", "1");
    CHECK_SHARE(POOL_WRITES, "insert into late select $1::int from generate_series(1, $1::int)", "2", "server 23505");
    CHECK_ASK("select count(*) from late", "1");
    CHECK_SHARE(POOL_WRITES, "insert into late select $1::int from generate_series(1, $1::int)", "0", "0");
    ask("drop table late");
    close_all();
}

TEST("a caller who leaves keeps its place, and its neighbours their answers")
{
    struct answer a = {0}, gone = {0}, b = {0};

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    submit(POOL_ANY, "select $1::int", "1", &a);
    CHECK(pool_query_cancel(submit(POOL_ANY, "select $1::int", "2", &gone)));
    submit(POOL_ANY, "select $1::int", "3", &b);
    WAIT_FOR(a.calls == 1 && b.calls == 1);
    CHECK_INT(atoi(cell(&a)), 1);
    CHECK_INT(atoi(cell(&b)), 3);
    CHECK_INT(gone.calls, 0);
    answer_free(&a);
    answer_free(&b);
    close_all();
}

TEST("what is on a connection whose backend is killed is lost, and never sent again; the pool finds its way back")
{
    struct answer a[20] = {{0}};
    uint64_t connects, until = now_ms() + 20000;
    int lost = 0, pid;
    bool back = false;

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    connects = counter_get(&pool->counts->connects);
    pid = pg_conn_backend_pid(pool->lanes[0].conn);
    kill(pid, SIGSTOP);
    for (int i = 0; i < 20; i++)
        submit(POOL_ANY, "select $1::int", "5", &a[i]);
    WAIT_FOR(pool->lanes[0].syncs == 1); /* they are sent, and nobody reads them */
    kill(pid, SIGKILL);
    wait_for_all(a, 20);
    for (int i = 0; i < 20; i++)
        lost += a[i].err.kind == PG_LOST;
    CHECK_INT(lost, 20);
    free_all(a, 20);
    while (!back && now_ms() < until) /* the other backends die with it, but not at once */
        back = strcmp(share(POOL_ANY, "select $1::int", "6"), "6") == 0 && counter_get(&pool->counts->connects) > connects;
    CHECK(back);
    close_all();
}

TEST("statements that were not sent yet when their connection died are sent on another")
{
    struct answer a[20] = {{0}};

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    for (int i = 0; i < 20; i++)
        submit(POOL_ANY, "select $1::int", "5", &a[i]);
    pg_conn_fail_late(pool->lanes[0].conn, "cut");
    wait_for_all(a, 20);
    for (int i = 0; i < 20; i++)
        CHECK_INT(atoi(cell(&a[i])), 5);
    free_all(a, 20);
    close_all();
}

TEST("a server that gives no answer at all loses its connection, and the statements are told so")
{
    struct pool_opts opts = shared_opts();
    struct answer a = {0};
    int pid;

    opts.statement_ms = 200;
    open_with(opts);
    make_quick(POOL_ANY, "select $1::int", "1");
    pid = pg_conn_backend_pid(pool->lanes[0].conn);
    kill(pid, SIGSTOP);
    submit(POOL_ANY, "select $1::int", "5", &a);
    WAIT_FOR(a.calls == 1);
    kill(pid, SIGCONT);
    CHECK_INT(a.err.kind, PG_TIMED_OUT);
    CHECK_SHARE(POOL_ANY, "select $1::int", "6", "6");
    close_all();
}

TEST("a statement that is slow by its own history has a connection to itself")
{
    struct answer a = {0};

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    for (int i = 0; i < 3; i++)
        share(POOL_ANY, "select count(*) from generate_series(1, 200000)", NULL);
    submit(POOL_ANY, "select count(*) from generate_series(1, 200000)", NULL, &a);
    CHECK_INT(pool->lanes[0].depth, 0);
    WAIT_FOR(a.calls == 1);
    answer_free(&a);
    close_all();
}

TEST("shared connections are given up for those who wait, when nothing is under way on them")
{
    struct borrower b[4];

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    CHECK_INT(shared_connections(), 1);
    for (int i = 0; i < 4; i++)
        borrow(&b[i]);
    WAIT_FOR(b[0].conn && b[1].conn && b[2].conn && b[3].conn);
    CHECK_INT(shared_connections(), 0);
    for (int i = 0; i < 4; i++) {
        struct answer a = {0};
        script_on(b[i].conn, "insert into pg_temp.x select 1", &a);
        WAIT_FOR(a.calls == 1);
        CHECK_STR(a.err.sqlstate, 5, "42P01"); /* and not 25006: the session is as it was */
        pg_conn_release(b[i].conn, NULL);
    }
    CHECK_SHARE(POOL_ANY, "select $1::int", "6", "6");
    close_all();
}

TEST("what touches its session, begins a transaction or waits on purpose is never shared")
{
    CHECK_INT(text_look(SLICE_LIT("select 1")), TEXT_READS);
    CHECK_INT(text_look(SLICE_LIT("  WITH x as (select 1) select * from x")), TEXT_READS);
    CHECK_INT(text_look(SLICE_LIT("select updated_at from tasks")), TEXT_READS);
    CHECK_INT(text_look(SLICE_LIT("with x as (delete from t returning *) select * from x")), TEXT_WRITES);
    CHECK_INT(text_look(SLICE_LIT("select * from t for update")), TEXT_WRITES);
    CHECK_INT(text_look(SLICE_LIT("insert into t select * from s")), TEXT_WRITES);
    CHECK_INT(text_look(SLICE_LIT("select * into s from t")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("begin")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("set role x")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("select pg_advisory_lock(1)")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("select set_config('a.b', 'c', false)")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("select pg_sleep(1)")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("")), TEXT_OWN);
    CHECK_INT(text_look(SLICE_LIT("-- select\ndrop table t")), TEXT_OWN);
}

TEST("a write that would wait for a lock waits on a connection of its own, and the others go on")
{
    struct borrower b;
    struct answer begun = {0}, waits = {0}, passes = {0};

    open_with(shared_opts());
    ask("create table locked (id int primary key, n int)");
    ask("insert into locked values (1, 0), (2, 0)");
    make_quick(POOL_WRITES, "update locked set n = n + 1 where id = $1", "1");
    ask("update locked set n = 0");
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "begin; select * from locked where id = 1 for update", &begun);
    WAIT_FOR(begun.calls == 1);
    submit(POOL_WRITES, "update locked set n = n + 1 where id = $1", "1", &waits);
    submit(POOL_WRITES, "update locked set n = n + 1 where id = $1", "2", &passes);
    WAIT_FOR(passes.calls == 1);
    CHECK_INT(waits.calls, 0);
    CHECK_INT(passes.err.kind, PG_OK);
    pg_conn_rollback(b.conn);
    WAIT_FOR(waits.calls == 1);
    CHECK_INT(waits.err.kind, PG_OK);
    CHECK_ASK("select sum(n) from locked", "2");
    answer_free(&begun);
    answer_free(&waits);
    answer_free(&passes);
    ask("drop table locked");
    close_all();
}

TEST("closing waits for what is under way")
{
    struct answer a = {0};

    open_with(shared_opts());
    make_quick(POOL_ANY, "select $1::int", "1");
    submit(POOL_ANY, "select $1::int", "9", &a);
    close_all();
    CHECK_INT(a.calls, 1);
    CHECK_INT(atoi(cell(&a)), 9);
    answer_free(&a);
}

TEST("without DB_PIPELINE, without prepared statements and in a small pool nothing is shared")
{
    for (int i = 0; i < 3; i++) {
        struct pool_opts opts = shared_opts();
        opts.pipeline = i != 0;
        opts.prepared = i != 1;
        if (i == 2)
            opts.min = opts.max = LANE_POOL_MIN - 1;
        open_with(opts);
        for (int k = 0; k < 40; k++)
            CHECK_SHARE(POOL_ANY, "select $1::int", "4", "4");
        CHECK_INT(shared_connections(), 0);
        close_all();
    }
}
