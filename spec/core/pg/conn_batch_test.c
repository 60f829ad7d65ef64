#include "core/pg/conn_batch.c"
#include "pg/pool_internal.h"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- a relay that adds a millisecond each way, and counts how often the client speaks after the server ---- */
enum { RELAY_US = 1000 };

static struct relay {
    char dir[80];
    int listener;
    _Atomic unsigned trips;
} relay;

static int unix_socket(const char *dir, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(at->sun_path, sizeof at->sun_path, "%s/.s.PGSQL.5432", dir);
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static bool pass_on(int from, int to)
{
    static _Thread_local char bytes[1 << 16];
    ssize_t n = read(from, bytes, sizeof bytes);

    if (n <= 0)
        return false;
    usleep(RELAY_US);
    for (ssize_t at = 0, wrote; at < n; at += wrote)
        if ((wrote = write(to, bytes + at, (size_t)(n - at))) < 0)
            return false;
    return true;
}

static void *relay_one(void *arg)
{
    struct sockaddr_un at;
    int client = (int)(intptr_t)arg, server = unix_socket(scratch.dir, &at);
    struct pollfd fds[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    bool server_spoke = true, open = connect(server, (struct sockaddr *)&at, sizeof at) == 0;

    while (open && poll(fds, 2, -1) > 0) {
        if (fds[0].revents) {
            relay.trips += server_spoke;
            server_spoke = false;
            open = pass_on(client, server);
        } else {
            server_spoke = true;
            open = pass_on(server, client);
        }
    }
    close(client);
    close(server);
    return NULL;
}

static void *relay_all(void *arg)
{
    pthread_t thread;
    int client;

    while ((client = accept(relay.listener, NULL, NULL)) >= 0)
        if (pthread_create(&thread, NULL, relay_one, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
    return arg;
}

static const char *relayed_url(void)
{
    static char url[256];
    struct sockaddr_un at;
    pthread_t thread;

    scratch_server();
    if (url[0])
        return url;
    snprintf(relay.dir, sizeof relay.dir, "%s/relay", scratch.dir);
    mkdir(relay.dir, 0700);
    relay.listener = unix_socket(relay.dir, &at);
    CHECK_INT(bind(relay.listener, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(relay.listener, 16), 0);
    CHECK_INT(pthread_create(&thread, NULL, relay_all, NULL), 0);
    pthread_detach(thread);
    snprintf(url, sizeof url, "host=%s user=tester dbname=postgres", relay.dir);
    return url;
}

/* ---- on a borrowed connection ---- */
static struct borrower b;

static void begin_with(struct pool_opts opts)
{
    opts.max = 1;
    open_with(opts);
    borrow(&b);
    WAIT_FOR(b.conn);
}

static void end(void)
{
    pg_conn_release(b.conn, NULL);
    close_all();
}

static void run_batch(const char *const *sqls, unsigned n, struct answer *a)
{
    struct pg_statement sts[8];

    for (unsigned i = 0; i < n; i++)
        sts[i] = statement(sqls[i]);
    answer_free(a);
    *a = (struct answer){0};
    pg_conn_batch(b.conn, sts, n, on_answer, a);
    CHECK_INT(a->calls, 0);
    WAIT_FOR(a->calls == 1);
}

static int first_int(struct pg_result *res)
{
    int v = res && pg_result_rows(res) > 0 ? atoi(pg_result_text(res, 0, 0).p) : -1;

    pg_result_free(res);
    return v;
}

static int ask_on(const char *sql)
{
    struct answer a = {0};

    pg_conn_query(b.conn, &(struct pg_statement){.sql = slice_str(sql)}, on_answer, &a);
    WAIT_FOR(a.calls == 1);
    return first_int(a.res);
}

TEST("a batch gives the rows of each of its statements")
{
    const char *const sqls[] = {"select 1", "select 2", "select 3"};
    struct answer a = {0};

    begin_with(default_opts());
    run_batch(sqls, 3, &a);
    CHECK_INT(first_int(pg_conn_batch_take(b.conn, 0)), 1);
    CHECK_INT(first_int(pg_conn_batch_take(b.conn, 1)), 2);
    CHECK_INT(first_int(a.res), 3);
    end();
}

TEST("six statements in a batch take one round trip, six one after another take six")
{
    const char *const sqls[] = {"select 1", "select 2", "select 3", "select 4", "select 5", "select 6"};
    struct pool_opts opts = default_opts();
    struct answer a = {0};
    unsigned before;

    opts.url = relayed_url();
    begin_with(opts);
    before = relay.trips;
    uint64_t began_us = clock_monotonic_us();
    run_batch(sqls, 6, &a);
    uint64_t batch_us = clock_monotonic_us() - began_us;
    CHECK_INT(relay.trips - before, 1);
    answer_free(&a);
    before = relay.trips;
    began_us = clock_monotonic_us();
    for (int i = 0; i < 6; i++) { /* texts that are new: the second use of one is a round trip more, to prepare it */
        char sql[32];
        snprintf(sql, sizeof sql, "select %d", i + 100);
        CHECK_INT(ask_on(sql), i + 100);
    }
    CHECK_INT(relay.trips - before, 6);
    CHECK(clock_monotonic_us() - began_us >= (uint64_t)6 * 2 * RELAY_US);
    CHECK(batch_us >= 2 * RELAY_US);
    end();
}

TEST("reads that are shared take one round trip too, however many callers there are")
{
    struct pool_opts opts = default_opts();
    struct answer a[6] = {{0}};
    struct pg_statement st = statement("select 7");
    uint64_t until = now_ms() + 10000;
    unsigned before;

    opts.url = relayed_url();
    opts.min = opts.max = 3;
    opts.pipeline = true;
    open_with(opts);
    while (!pool_find_lane(pool, POOL_ANY, &st) && now_ms() < until) {
        struct answer once = {0};
        pool_query_shared(pool, POOL_ANY, &st, NULL, on_answer, &once);
        WAIT_FOR(once.calls == 1);
        answer_free(&once);
    }
    turn_for(50);
    before = relay.trips;
    for (int i = 0; i < 6; i++)
        pool_query_shared(pool, POOL_ANY, &st, NULL, on_answer, &a[i]);
    for (int i = 0; i < 6; i++) {
        WAIT_FOR(a[i].calls == 1);
        CHECK_INT(first_int(a[i].res), 7);
    }
    CHECK_INT(relay.trips - before, 1);
    close_all();
}

TEST("a batch of which one fails has done nothing, and says which")
{
    const char *const sqls[] = {"insert into batched values (1)", "insert into batched values (2 / 0)",
                                "insert into batched values (3)"};
    struct answer a = {0};

    begin_with(default_opts());
    ask_on("create table batched (n int)");
    for (int i = 0; i < 4; i++) { /* unprepared, prepared by it, prepared already */
        run_batch(sqls, 3, &a);
        CHECK_STR(a.err.sqlstate, 5, "22012");
        CHECK_INT(pg_conn_batch_failed(b.conn), 1);
        CHECK_INT(ask_on("select count(*) from batched"), 0);
    }
    CHECK_INT(pg_conn_tx_status(b.conn), PG_TX_IDLE);
    ask_on("drop table batched");
    end();
}

TEST("an error that comes with the commit is the batch's error")
{
    const char *const sqls[] = {"insert into batched values (1)", "insert into batched values (1)"};
    struct answer a = {0};

    begin_with(default_opts());
    ask_on("create table batched (n int unique deferrable initially deferred)");
    run_batch(sqls, 2, &a);
    CHECK_STR(a.err.sqlstate, 5, "23505");
    CHECK_INT(ask_on("select count(*) from batched"), 0);
    ask_on("drop table batched");
    end();
}

TEST("a batch whose plans are stale is sent again")
{
    const char *const sqls[] = {"select * from changing", "select 2"};
    struct answer a = {0};

    begin_with(default_opts());
    ask_on("create table changing (a int)");
    ask_on("insert into changing values (7)");
    for (int i = 0; i < 3; i++)
        run_batch(sqls, 2, &a);
    answer_free(&a);
    ask_on("alter table changing alter a type text using '8'");
    run_batch(sqls, 2, &a);
    CHECK_INT(a.err.kind, PG_OK);
    CHECK_INT(first_int(pg_conn_batch_take(b.conn, 0)), 8);
    answer_free(&a);
    ask_on("drop table changing");
    end();
}

TEST("a batch is sent again when a function in it gives other rows since")
{
    const char *const sqls[] = {"select a from all_of()", "select 2"};
    struct answer a = {0};

    begin_with(default_opts());
    ask_on("create table changing (a text, b int)");
    ask_on("insert into changing values ('7', 1)");
    ask_on("create function all_of() returns setof changing language sql as 'select * from changing'");
    for (int i = 0; i < 3; i++)
        run_batch(sqls, 2, &a);
    answer_free(&a);
    ask_on("alter table changing alter a type int using 8");
    run_batch(sqls, 2, &a);
    CHECK_INT(a.err.kind, PG_OK);
    CHECK_INT(first_int(pg_conn_batch_take(b.conn, 0)), 8);
    answer_free(&a);
    ask_on("drop table changing cascade");
    end();
}

TEST("what is given back while its batch runs is cancelled and used again")
{
    struct pg_statement sts[] = {statement("select 1"), statement("select pg_sleep(5)")};
    struct answer a = {0};

    begin_with(default_opts());
    pg_conn_batch(b.conn, sts, 2, on_answer, &a);
    turn_for(20);
    pg_conn_release(b.conn, NULL);
    CHECK_ASK("select 3", "3");
    CHECK_INT(a.calls, 0);
    close_all();
}

TEST("a parameter that cannot be sent is told at the next turn")
{
    const char *values[] = {"a\0b"};
    int lengths[] = {3};
    struct pg_statement sts[] = {statement("select 1"), {SLICE_LIT("select $1"), 0, 1, values, lengths}};
    struct answer a = {0};

    begin_with(default_opts());
    pg_conn_batch(b.conn, sts, 2, on_answer, &a);
    CHECK_INT(a.calls, 0);
    WAIT_FOR(a.calls == 1);
    CHECK_INT(a.err.kind, PG_BAD_PARAM);
    CHECK_INT(ask_on("select 1"), 1);
    end();
}
