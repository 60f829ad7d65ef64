#include "core/pg/reads.c"
#include "spec/core/test.h"
#include "spec/core/pg/lane_fixture.h"

static struct reads *r;
static int ended;

static void on_end(void *arg)
{
    CHECK(arg == &ended);
    ended++;
}

static bool add(const char *sql, const char *value)
{
    const char *values[] = {value};
    int lengths[] = {value ? (int)strlen(value) : 0};
    struct pg_statement st = {slice_str(sql), 0, 1, values, lengths};

    return reads_add(r, &st);
}

static void begin(unsigned n, struct pool_opts opts)
{
    open_with(opts);
    make_quick(POOL_ANY, "select 10 / $1::int", "1");
    r = reads_new(pool, n);
    ended = 0;
}

static void end(void)
{
    reads_free(r);
    CHECK_INT(status_now().busy, 0);
    close_all();
}

static int number_of(unsigned i)
{
    struct pg_result *res = reads_take(r, i);
    int n = res && pg_result_rows(res) == 1 ? atoi(pg_result_text(res, 0, 0).p) : -1;

    pg_result_free(res);
    return n;
}

TEST("several reads of one text and of others are answered in their places, by one sync")
{
    unsigned failed;
    uint64_t batch;

    begin(4, shared_opts());
    make_quick(POOL_ANY, "select 20 + $1::int", "1");
    CHECK(add("select 10 / $1::int", "1"));
    CHECK(add("select 10 / $1::int", "5"));
    CHECK(add("select 20 + $1::int", "3"));
    CHECK(add("select 10 / $1::int", NULL));
    CHECK(r->items[1].st.sql.p == r->items[0].st.sql.p);
    batch = pool->lanes[0].batch;
    reads_send(r, on_end, &ended);
    CHECK_INT(ended, 0);
    CHECK_INT(pool->lanes[0].depth, 4);
    WAIT_FOR(ended == 1);
    CHECK_INT(pool->lanes[0].batch - batch, 1);
    CHECK(reads_error(r, &failed) == NULL);
    CHECK_INT(number_of(0), 10);
    CHECK_INT(number_of(1), 2);
    CHECK_INT(number_of(2), 23);
    struct pg_result *res = reads_take(r, 3);
    CHECK(pg_result_is_null(res, 0, 0));
    pg_result_free(res);
    CHECK(reads_us(r, 0) > 0);
    end();
}

TEST("of several that fail the first one is told, and the others have their answers")
{
    unsigned failed = 99;

    begin(5, shared_opts());
    CHECK(add("select 10 / $1::int", "1"));
    CHECK(add("select 10 / $1::int", "0"));
    CHECK(add("select 10 / $1::int", "2"));
    CHECK(add("select 10 / $1::int", "x"));
    CHECK(add("select 10 / $1::int", "5"));
    reads_send(r, on_end, &ended);
    WAIT_FOR(ended == 1);
    const struct pg_error *err = reads_error(r, &failed);
    CHECK_INT(failed, 1);
    CHECK_STR(err->sqlstate, 5, "22012");
    CHECK_INT(number_of(0), 10);
    CHECK_INT(number_of(1), -1);
    CHECK_INT(number_of(2), 5);
    CHECK_INT(number_of(4), 2);
    end();
}

TEST("what writes, what is not known to be quick, and what cannot be sent is not taken")
{
    char large[LANE_STATEMENT_BYTES_MAX + 1];

    begin(2, shared_opts());
    memset(large, '1', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    CHECK(!add("select 'never seen' || $1", "1"));
    CHECK(!add("insert into nothing values ($1)", "1"));
    CHECK(!add("select 10 / $1::int", large));
    CHECK(add("select 10 / $1::int", "1"));
    CHECK(!add("select 10 / $1::int", large));
    const char *values[] = {"1\0002"};
    int lengths[] = {3};
    struct pg_statement st = {SLICE_LIT("select 10 / $1::int"), 0, 1, values, lengths};
    CHECK(!reads_add(r, &st));
    end();
}

TEST("what turns out to write is done on another connection, once")
{
    unsigned failed;

    begin(2, shared_opts());
    ask("create table quiet (n int)");
    ask("create function put(n int) returns int language sql as 'insert into quiet values (n) returning n'");
    make_quick(POOL_ANY, "select case when $1::int > 0 then put($1::int) else 0 end", "0");
    CHECK(add("select case when $1::int > 0 then put($1::int) else 0 end", "0"));
    CHECK(add("select case when $1::int > 0 then put($1::int) else 0 end", "7"));
    reads_send(r, on_end, &ended);
    WAIT_FOR(ended == 1);
    CHECK(reads_error(r, &failed) == NULL);
    CHECK_INT(number_of(0), 0);
    CHECK_INT(number_of(1), 7);
    CHECK_ASK("select count(*) from quiet", "1");
    ask("drop function put");
    ask("drop table quiet");
    end();
}

TEST("more than a shared connection holds go on others as well")
{
    enum { SETS = LANE_DEPTH_MAX + 200 };
    struct pool_opts opts = shared_opts();
    char text[16];
    int right = 0;

    begin(SETS, opts);
    make_quick(POOL_ANY, "select 1 + $1::int", "1");
    for (int i = 0; i < SETS; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(add("select 1 + $1::int", text));
    }
    reads_send(r, on_end, &ended);
    WAIT_FOR(ended == 1);
    for (unsigned i = 0; i < SETS; i++)
        right += number_of(i) == (int)i + 1;
    CHECK_INT(right, SETS);
    end();
}

TEST("the caller may leave before anything is sent, and while answers are under way")
{
    int pid;

    begin(2, shared_opts());
    pid = pg_conn_backend_pid(pool->lanes[0].conn);
    CHECK(add("select 10 / $1::int", "1"));
    CHECK(add("select 10 / $1::int", "0"));
    reads_send(r, on_end, &ended);
    reads_free(r);
    r = reads_new(pool, 1);
    CHECK(add("select 10 / $1::int", "2"));
    kill(pid, SIGSTOP);
    reads_send(r, on_end, &ended);
    WAIT_FOR(pool->lanes[0].syncs > 0);
    reads_free(r);
    kill(pid, SIGCONT);
    CHECK_SHARE(POOL_ANY, "select 10 / $1::int", "5", "2");
    WAIT_FOR(status_now().busy == 0);
    CHECK_INT(ended, 0);
    r = NULL;
    end();
}

TEST("the connection dies under them: each is lost, and told once")
{
    struct answer a = {0};
    unsigned failed;
    int pid;

    begin(2, shared_opts());
    pid = pg_conn_backend_pid(pool->lanes[0].conn);
    kill(pid, SIGSTOP);
    CHECK(add("select 10 / $1::int", "1"));
    CHECK(add("select 10 / $1::int", "2"));
    reads_send(r, on_end, &ended);
    WAIT_FOR(pool->lanes[0].syncs == 1);
    submit(POOL_ANY, "select 10 / $1::int", "5", &a);
    CHECK_INT(pool->lanes[0].depth, 3);
    pg_conn_break(pool->lanes[0].conn, "broken by the test");
    kill(pid, SIGCONT);
    WAIT_FOR(ended == 1 && a.calls == 1);
    CHECK_INT(reads_error(r, &failed)->kind, PG_LOST);
    CHECK_INT(failed, 0);
    CHECK_STR(cell(&a), 1, "2"); /* it was not sent */
    answer_free(&a);
    end();
}
