#include "core/pg/conn_read_only.c"
#include "spec/core/test.h"
#include "spec/core/pg/pool_fixture.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* A port of this host whose connections are made by the kernel and answered by nobody. */
static int open_silent_server(int *fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(*fd, (struct sockaddr *)&at, n) != 0 || listen(*fd, 16) != 0)
        exit(1);
    getsockname(*fd, (struct sockaddr *)&at, &n);
    return ntohs(at.sin_port);
}

/* The resolver of this process: "slow.invalid" takes its time, and is this machine. */
static atomic_int lookup_ms, lookups;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (real == NULL)
        *(void **)&real = dlsym((void *)-1l, "getaddrinfo"); /* RTLD_NEXT */
    if (node == NULL || strcmp(node, "slow.invalid") != 0)
        return real(node, service, hints, list);
    atomic_fetch_add(&lookups, 1);
    usleep((useconds_t)atomic_load(&lookup_ms) * 1000);
    return real("127.0.0.1", service, hints, list);
}

static void admin(const char *sql)
{
    CHECK_INT(scratch_run("psql -XAtq -v ON_ERROR_STOP=1 -h %s -U tester -d postgres -c \"%s\"", scratch.dir, sql), 0);
}

/* Until every session has heard of a changed configuration. */
static void reload(void)
{
    admin("select pg_reload_conf()");
    if (pool)
        turn_for(200);
    else
        usleep(200000);
}

/* As a primary that is demoted in place. Sessions hear of it before their next statement. */
static void set_read_only(bool on)
{
    if (on)
        admin("alter system set default_transaction_read_only = on");
    else
        admin("alter system reset default_transaction_read_only");
    reload();
}

static void create_table(void)
{
    admin("drop table if exists written; create table written (n int)");
}

TEST("a server that says nothing costs its deadline once; then it is tried last")
{
    struct pool_opts opts = default_opts();
    char url[512];
    int fd, port = open_silent_server(&fd);
    uint64_t started;

    snprintf(url, sizeof url, "host=127.0.0.1,%s port=%d,5432 user=tester dbname=postgres connect_timeout=1", scratch.dir,
             port);
    opts.url = url;
    opts.acquire_ms = 8000;
    open_with(opts);
    CHECK_ASK("select 'first'", "first");
    started = now_ms();
    for (int i = 0; i < 3; i++)
        CHECK_ASK("select pg_terminate_backend(pg_backend_pid())", "lost 57P01");
    CHECK_ASK("select 'again'", "again");
    CHECK(now_ms() - started < 1000);
    close_all();
    close(fd);
}

TEST("servers that say nothing are told by name")
{
    struct pool_opts opts = default_opts();
    char url[128], told[64];
    int fd, port = open_silent_server(&fd);

    snprintf(url, sizeof url, "host=127.0.0.1,127.0.0.1 port=%d,1 user=tester", port);
    snprintf(told, sizeof told, "127.0.0.1 port %d: no answer", port);
    opts.url = url;
    opts.connect_ms = 200;
    open_with(opts);
    CHECK_ASK("select 1", "unavailable ");
    CHECK(strstr(status_now().last_error, told) != NULL);
    CHECK(strstr(status_now().last_error, "refused") != NULL);
    close_all();
    close(fd);
}

TEST("a lookup that hangs has a deadline, holds up no loop, and takes no more than its threads")
{
    struct pool_opts opts = default_opts();
    uint64_t started;
    int turns = 0;

    atomic_store(&lookup_ms, 1500);
    opts.url = "host=slow.invalid port=1 user=tester";
    opts.connect_ms = 200;
    opts.min = opts.max = 8;
    open_with(opts);
    started = now_ms();
    CHECK_ASK("select 1", "unavailable ");
    CHECK(now_ms() - started < 1000);
    CHECK(strstr(status_now().last_error, "lookup") != NULL);
    while (now_ms() - started < 1200) {
        ask("select 1");
        turns++;
    }
    CHECK(turns > 50);
    CHECK(atomic_load(&lookups) >= 1 && atomic_load(&lookups) <= CONN_LOOKUPS_MAX);
    atomic_store(&lookup_ms, 0);
    /* The name is found now, and its server refuses. */
    WAIT_FOR(strcmp(ask("select 1"), "unavailable ") == 0 && strstr(status_now().last_error, "refused"));
    close_all();
}

/* Of every session of the pool. */
static void signal_sessions(int signal, const int *pids, int n)
{
    for (int i = 0; i < n; i++)
        kill(pids[i], signal);
}

TEST("where one connection gets no answer the others are asked at once, so that one caller pays and not each")
{
    enum { SESSIONS = 5 };
    struct pool_opts opts = default_opts();
    struct borrower b[SESSIONS];
    int pids[SESSIONS];

    opts.min = opts.max = opts.line_max = SESSIONS;
    opts.statement_ms = 200;
    opts.acquire_ms = 8000;
    open_with(opts);
    for (int i = 0; i < SESSIONS; i++)
        borrow(&b[i]);
    for (int i = 0; i < SESSIONS; i++) {
        WAIT_FOR(b[i].conn);
        pids[i] = pg_conn_backend_pid(b[i].conn);
    }
    for (int i = 0; i < SESSIONS; i++)
        pg_conn_release(b[i].conn, NULL);
    turn_for(50);
    signal_sessions(SIGSTOP, pids, SESSIONS);
    CHECK_ASK("select 1", "timed_out ");
    for (int i = 0; i < 10; i++)
        CHECK_ASK("select 1", "1");
    WAIT_FOR(status_now().lost >= SESSIONS);
    signal_sessions(SIGCONT, pids, SESSIONS);
    WAIT_FOR(status_now().idle == SESSIONS);
    close_all();
}

/* ---- a server that is made up: it takes every session, and answers the first statement with its good bye ---- */

static void put(char *out, size_t *n, char type, const char *body, size_t body_n)
{
    uint32_t length = htonl((uint32_t)body_n + 4);

    out[(*n)++] = type;
    memcpy(out + *n, &length, 4);
    memcpy(out + *n + 4, body, body_n);
    *n += 4 + body_n;
}
#define PUT(type, body) put(out, &n, type, body, sizeof(body) - 1)

static int take_session(int listener)
{
    char in[4096], out[1024];
    int fd = accept(listener, NULL, NULL);
    size_t n = 0;

    if (read(fd, in, sizeof in) <= 0)
        return -1;
    PUT('R', "\0\0\0\0");
    PUT('S', "TimeZone\0UTC\0");
    PUT('S', "DateStyle\0ISO, MDY\0");
    PUT('S', "client_encoding\0UTF8\0");
    PUT('K', "\0\0\0\1\0\0\0\1");
    PUT('Z', "I");
    return write(fd, out, n) < 0 ? -1 : fd;
}

static void *serve_good_bye(void *arg)
{
    char in[4096], out[1024];
    int fd = take_session(*(int *)arg);
    size_t n = 0;

    if (fd < 0 || read(fd, in, sizeof in) <= 0)
        return NULL;
    PUT('E', "SFATAL\0VFATAL\0C57P01\0Mgood bye\0\0");
    (void)!write(fd, out, n);
    while (read(fd, in, sizeof in) > 0) /* and keeps its end open */
        ;
    close(fd);
    return NULL;
}

TEST("a session whose end was told is over, also when the server's process does not come to its end")
{
    struct pool_opts opts = default_opts();
    char url[96];
    pthread_t thread;
    int fd, port = open_silent_server(&fd);
    uint64_t started;

    snprintf(url, sizeof url, "host=127.0.0.1 port=%d user=tester sslmode=disable", port);
    opts.url = url;
    opts.max = 1;
    pthread_create(&thread, NULL, serve_good_bye, &fd);
    open_with(opts);
    started = now_ms();
    CHECK_ASK("select 1", "lost 57P01");
    CHECK(now_ms() - started < 1000);
    pthread_join(thread, NULL);
    close(fd);
    close_all();
}

/* Half an answer, and then a reset: with the end of the session untold, only the socket says that it is over. */
static void *serve_reset(void *arg)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    char in[4096], out[1024];
    int fd = take_session(*(int *)arg);
    size_t n = 0;

    if (fd < 0 || read(fd, in, sizeof in) <= 0)
        return NULL;
    PUT('T', "\0\0");
    (void)!write(fd, out, n);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    return NULL;
}

TEST("a reset behind half an answer is seen at once")
{
    struct pool_opts opts = default_opts();

    for (int i = 0; i < 20; i++) {
        uint64_t started = now_ms();
        char url[96];
        pthread_t thread;
        int fd, port = open_silent_server(&fd);
        snprintf(url, sizeof url, "host=127.0.0.1 port=%d user=tester sslmode=disable", port);
        opts.url = url;
        opts.max = 1;
        pthread_create(&thread, NULL, serve_reset, &fd);
        open_with(opts);
        CHECK_ASK("select 1", "lost ");
        CHECK(now_ms() - started < 1500);
        pthread_join(thread, NULL);
        close(fd);
        close_all();
    }
}

static void ask_for(const char *attrs, const char *want)
{
    struct pool_opts opts = default_opts();
    char url[512];

    snprintf(url, sizeof url, "host=%s user=tester dbname=postgres target_session_attrs=%s", scratch.dir, attrs);
    opts.url = url;
    open_with(opts);
    CHECK_ASK("select 'here'", want);
    close_all();
}

TEST("target_session_attrs: a primary is none of those that are wanted as a standby")
{
    ask_for("any", "here");
    ask_for("primary", "here");
    ask_for("read-write", "here");
    ask_for("prefer-standby", "here");
    ask_for("standby", "unavailable ");
    ask_for("read-only", "unavailable ");
    ask_for("nonsense", "unavailable ");
    set_read_only(true);
    ask_for("read-only", "here");
    ask_for("read-write", "unavailable ");
    set_read_only(false);
}

TEST("a write that a demoted server refuses is done on a new connection, once")
{
    struct pool_opts opts = default_opts();
    struct borrower b;

    create_table();
    set_read_only(true);
    opts.min = opts.max = 2;
    open_with(opts);
    CHECK_ASK("select 1", "1");
    borrow(&b);
    WAIT_FOR(b.conn && status_now().idle == 1);
    pg_conn_release(b.conn, NULL);
    turn_for(50);
    /* Those who have their session from now on may write; the two that are open may not. */
    admin("begin read write; alter role tester set default_transaction_read_only = off; commit");
    CHECK_ASK("insert into written values (1)", "1");
    CHECK_ASK("insert into written values (2)", "1");
    CHECK_ASK("select count(*) || ' ' || count(distinct n) from written", "2 2");
    admin("alter role tester reset default_transaction_read_only");
    set_read_only(false);
    close_all();
}

TEST("where no server takes writes each of them fails, and connections are not made anew for ever")
{
    create_table();
    set_read_only(true);
    open_with(default_opts());
    CHECK_ASK("select 1", "1");
    for (int i = 0; i < 10; i++)
        CHECK_ASK("insert into written values (1)", "server 25006");
    CHECK(status_now().connects <= 6);
    set_read_only(false);
    CHECK_ASK("insert into written values (1)", "1");
    close_all();
}

TEST("a transaction that was begun READ ONLY says nothing of its server")
{
    struct borrower b;
    struct answer a = {0};

    create_table();
    open_with(default_opts());
    borrow(&b);
    WAIT_FOR(b.conn);
    script_on(b.conn, "begin read only", &a);
    WAIT_FOR(a.calls == 1);
    script_on(b.conn, "insert into written values (1)", &a);
    WAIT_FOR(a.calls == 2);
    CHECK_STR(a.err.sqlstate, 5, "25006");
    pg_conn_rollback(b.conn);
    WAIT_FOR(status_now().idle == 1);
    CHECK_ASK("insert into written values (1)", "1");
    CHECK_INT(status_now().connects, 1);
    answer_free(&a);
    close_all();
}

TEST("a commit that gave up waiting for its standby is no success")
{
    struct pool_opts opts = default_opts();

    create_table();
    opts.statement_ms = 300;
    open_with(opts);
    CHECK_ASK("select 1", "1");
    admin("alter system set synchronous_standby_names = 'nobody'");
    reload();
    CHECK_ASK("insert into written values (1)", "lost ");
    admin("alter system reset synchronous_standby_names");
    reload();
    CHECK_ASK("select count(*) from written", "1");
    close_all();
}
