#include "core/pg/conn_stream.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"

struct reader {
    struct borrower b;
    struct answer a;
    int parts, rows;
    size_t bytes;
};

static void on_part(void *arg)
{
    struct reader *r = LIST_OF(arg, struct reader, a);
    struct pg_result *rows = pg_conn_take_rows(r->b.conn);

    r->parts++;
    r->rows += rows ? pg_result_rows(rows) : 0;
    r->bytes += pg_conn_view_data(r->b.conn).n;
    pg_conn_drop_data(r->b.conn);
    pg_result_free(rows);
}

static void start(struct reader *r, const char *sql)
{
    struct pg_statement st = statement(sql);

    *r = (struct reader){0};
    borrow(&r->b);
    WAIT_FOR(r->b.conn);
    pg_conn_stream(r->b.conn, &st, on_part, on_answer, &r->a);
    CHECK_INT(r->parts + r->a.calls, 0);
}

static void read_all(struct reader *r)
{
    while (r->a.calls == 0) {
        int seen = r->parts;
        if (r->b.conn->stream.paused)
            pg_conn_more(r->b.conn);
        CHECK_INT(r->parts, seen);
        WAIT_FOR(r->a.calls > 0 || r->b.conn->stream.paused);
    }
    answer_free(&r->a);
}

TEST("rows come in parts, and the next one only when it is asked for")
{
    struct reader r;

    open_with(default_opts());
    start(&r, "select generate_series(1, 100000)");
    WAIT_FOR(r.parts == 1);
    turn_for(100);
    CHECK_INT(r.parts, 1);
    CHECK(r.rows > 0 && r.rows <= PART_ROWS_MAX);
    pg_conn_more(r.b.conn);
    WAIT_FOR(r.parts == 2);
    pg_conn_more(r.b.conn);
    read_all(&r);
    CHECK_INT(r.rows, 100000);
    CHECK_INT(r.a.err.kind, PG_OK);
    pg_conn_release(r.b.conn, NULL);
    CHECK_ASK("select 1", "1");
    close_all();
}

TEST("the data of COPY comes in parts of whole rows")
{
    struct reader r;

    open_with(default_opts());
    start(&r, "copy (select repeat('x', 999) from generate_series(1, 1000)) to stdout");
    read_all(&r);
    CHECK_INT(r.bytes, 1000000);
    CHECK(r.parts >= 1000000 / (PART_BYTES_MAX + 1000));
    pg_conn_release(r.b.conn, NULL);
    close_all();
}

TEST("a reader that goes while a part waits has its statement cancelled, and the connection is used again")
{
    struct pool_opts opts = default_opts();
    struct reader r;
    char pid[16];

    opts.max = 1;
    open_with(opts);
    snprintf(pid, sizeof pid, "%s", ask("select pg_backend_pid()"));
    start(&r, "select generate_series(1, 100000000)");
    WAIT_FOR(r.parts == 1);
    pg_conn_release(r.b.conn, NULL);
    CHECK_ASK("select pg_backend_pid()", pid);
    CHECK_INT(r.parts, 1);
    CHECK_INT(r.a.calls, 0);
    /* And one of which everything was there already. */
    start(&r, "select generate_series(1, 300)");
    WAIT_FOR(r.parts == 1);
    pg_conn_release(r.b.conn, NULL);
    CHECK_ASK("select pg_backend_pid()", pid);
    close_all();
}

TEST("a statement of which nothing comes for too long is cancelled; the time that its reader takes does not count")
{
    struct pool_opts opts = default_opts();
    struct reader r;

    opts.statement_ms = 200;
    open_with(opts);
    start(&r, "select generate_series(1, 100000000)");
    pg_conn_cancel(r.b.conn);
    WAIT_FOR(r.a.calls == 1);
    CHECK_INT(r.a.err.kind, PG_CANCELLED);
    pg_conn_release(r.b.conn, NULL);

    struct answer lifted = {0};
    r = (struct reader){0};
    borrow(&r.b);
    WAIT_FOR(r.b.conn);
    pg_conn_lift_timeout(r.b.conn, on_answer, &lifted);
    WAIT_FOR(lifted.calls);
    answer_free(&lifted);
    struct pg_statement st =
        statement("select x, case when x = 90000 then pg_sleep(10)::text end from generate_series(1, 100000) x");
    pg_conn_stream(r.b.conn, &st, on_part, on_answer, &r.a);
    WAIT_FOR(r.parts == 1);
    turn_for(1500);
    CHECK_INT(r.a.calls, 0);
    pg_conn_more(r.b.conn);
    WAIT_FOR(r.parts > 1);
    pg_conn_more(r.b.conn);
    read_all(&r);
    CHECK_INT(r.a.err.kind, PG_TIMED_OUT);
    CHECK(r.rows > 80000 && r.rows < 90000);
    pg_conn_release(r.b.conn, NULL);
    close_all();
}

TEST("the session's timeout is back when its connection is, and so are its prepared statements")
{
    struct pool_opts opts = default_opts();
    struct borrower b;
    struct answer a = {0};

    opts.max = 1;
    open_with(opts);
    for (int i = 0; i < 3; i++)
        CHECK_ASK("select current_setting('statement_timeout')", "3s");
    borrow(&b);
    WAIT_FOR(b.conn);
    pg_conn_lift_timeout(b.conn, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    script_on(b.conn, "select current_setting('statement_timeout')", &a);
    WAIT_FOR(a.calls == 2);
    CHECK_STR(pg_result_text(a.res, 0, 0).p, pg_result_text(a.res, 0, 0).n, "0");
    pg_conn_release(b.conn, NULL);
    CHECK_ASK("select current_setting('statement_timeout')", "3s");
    CHECK_ASK("select string_agg(name, ',') from pg_prepared_statements", "s1"); /* the one from before */
    answer_free(&a);
    close_all();
}

TEST("a pool that closes while a part waits ends when its reader has gone")
{
    struct reader r;

    open_with(default_opts());
    start(&r, "select generate_series(1, 100000000)");
    WAIT_FOR(r.parts == 1);
    pg_conn_release(r.b.conn, NULL);
    close_all();
}
