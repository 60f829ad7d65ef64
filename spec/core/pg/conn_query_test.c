#include "core/pg/conn_query.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"

/* A statement is begun at once and sent at the end of the loop's turn. What happens in between? */

static struct borrower b;

static void begin(void)
{
    struct pool_opts opts = default_opts();

    opts.max = 1;
    open_with(opts);
    CHECK_ASK("create table sent (n int)", "0");
    borrow(&b);
    WAIT_FOR(b.conn);
}

static void insert(struct answer *a)
{
    struct pg_statement st = statement("insert into sent values (1)");

    *a = (struct answer){.calls = 0};
    pg_conn_query(b.conn, &st, on_answer, a);
}

static void end(const char *rows)
{
    CHECK_ASK("select count(*) from sent", rows);
    CHECK_ASK("drop table sent", "0");
    close_all();
}

TEST("what is cancelled in the turn that began it never reaches the server")
{
    struct answer a;
    int pid;

    begin();
    pid = pg_conn_backend_pid(b.conn);
    insert(&a);
    pg_conn_cancel(b.conn);
    pg_conn_cancel(b.conn);
    CHECK_INT(a.calls, 0);
    CHECK(b.conn->cancel == NULL);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_CANCELLED);
    insert(&a);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_OK);
    CHECK_INT(pg_conn_backend_pid(b.conn), pid);
    answer_free(&a);
    pg_conn_release(b.conn, NULL);
    end("1");
}

TEST("what is given back in the turn that began its statement has done nothing of it, and is rolled back")
{
    struct answer a = {0}, late;

    begin();
    script_on(b.conn, "begin; insert into sent values (2)", &a);
    WAIT_FOR(a.calls == 1);
    answer_free(&a);
    insert(&late);
    pg_conn_rollback(b.conn);
    CHECK_ASK("select count(*) from sent", "0");
    CHECK_INT(late.calls, 0);
    CHECK_INT(status_now().lost, 0);
    end("0");
}

TEST("a batch and a text of several statements are cancelled before they are sent, too")
{
    struct pg_statement sts[] = {statement("insert into sent values (3)"), statement("insert into sent values (4)")};
    struct answer a = {0};

    begin();
    pg_conn_batch(b.conn, sts, 2, on_answer, &a);
    pg_conn_cancel(b.conn);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_CANCELLED);
    a = (struct answer){.calls = 0};
    script_on(b.conn, "insert into sent values (5)", &a);
    pg_conn_cancel(b.conn);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_CANCELLED);
    pg_conn_release(b.conn, NULL);
    end("0");
}

TEST("a connection that breaks before its statement is sent: another sends it, once")
{
    struct pg_statement st = statement("insert into sent values (6)");
    struct pg_conn *first;
    struct answer a = {0};

    begin();
    first = b.conn;
    pg_conn_release(first, NULL);
    pool_query(pool, &st, NULL, on_answer, &a);
    CHECK(first->fn != NULL);
    pg_conn_break(first, "broken by the test");
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_OK);
    answer_free(&a);
    end("1");
}

TEST("in a transaction that is lost with its connection: nothing is sent elsewhere")
{
    struct answer a = {0};

    begin();
    script_on(b.conn, "begin", &a);
    WAIT_FOR(a.calls == 1);
    answer_free(&a);
    insert(&a);
    pg_conn_shut(b.conn, "broken by the test");
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_LOST);
    pg_conn_release(b.conn, NULL);
    end("0");
}

TEST("a deadline that passes before the statement is sent ends it")
{
    struct answer a;

    begin();
    pg_conn_set_deadline(b.conn, 1);
    insert(&a);
    usleep(2 * CONN_OVERTIME_MS * 1000); /* the loop stands still */
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_TIMED_OUT);
    pg_conn_release(b.conn, NULL);
    CHECK_INT(status_now().lost, 0);
    end("0");
}

TEST("one that is cancelled before it is sent has no deadline any more, and its connection stays")
{
    struct answer a;
    int pid;

    begin();
    pid = pg_conn_backend_pid(b.conn);
    pg_conn_set_deadline(b.conn, 1);
    insert(&a);
    pg_conn_cancel(b.conn);
    usleep(2 * CONN_OVERTIME_MS * 1000); /* the loop stands still */
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_CANCELLED);
    CHECK_INT(pg_conn_backend_pid(b.conn), pid);
    pg_conn_release(b.conn, NULL);
    CHECK_INT(status_now().lost, 0);
    end("0");
}

TEST("a pool that is closed in that turn tells the caller")
{
    struct pg_statement st = statement("select 7");
    struct answer a = {0};

    begin();
    pg_conn_release(b.conn, NULL);
    ask("drop table sent");
    pool_query(pool, &st, NULL, on_answer, &a);
    close_all();
    CHECK_INT(a.calls, 1);
    answer_free(&a);
}
