#ifndef SPEC_POOL_FIXTURE_H
#define SPEC_POOL_FIXTURE_H
/* A loop, its wheel and a pool on the scratch server, and calls that wait for their answer. */
#include "base/clock.h"
#include "base/log.h"
#include "pg/pool.h"
#include "spec/core/pg/scratch_server.h"
#include <fcntl.h>

static uv_loop_t loop;
static struct wheel wheel;
static uv_timer_t wheel_timer;
static struct pool *pool;

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static void on_tick(uv_timer_t *t)
{
    (void)t;
    wheel_advance(&wheel, now_ms());
}

static struct pool_opts default_opts(void)
{
    return (struct pool_opts){.loop = &loop,
                              .wheel = &wheel,
                              .url = scratch_server(),
                              .min = 1,
                              .max = 2,
                              .line_max = 4,
                              .acquire_ms = 1000,
                              .statement_ms = 3000,
                              .connect_ms = 2000,
                              .recycle_ms = 3600000,
                              .ping_idle_ms = 30000,
                              .prepared = true};
}

static void open_with(struct pool_opts opts)
{
    log_open(open("/dev/null", O_WRONLY), LOG_DEBUG);
    uv_loop_init(&loop);
    wheel_init(&wheel, now_ms());
    uv_timer_init(&loop, &wheel_timer);
    uv_timer_start(&wheel_timer, on_tick, 5, 5);
    pool = pool_new(&opts);
}

static void on_pool_closed(void *arg)
{
    *(bool *)arg = true;
}

/* Nothing may be left: no handle, no connection, nobody who waits. */
static void close_all(void)
{
    bool closed = false;

    pool_close(pool, on_pool_closed, &closed);
    while (!closed)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(wheel.count, 0);
    uv_close((uv_handle_t *)&wheel_timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    pool = NULL;
}

/* Turns the loop until the condition holds, ten seconds at most. */
#define WAIT_FOR(cond)                       \
    do {                                     \
        uint64_t until_ = now_ms() + 10000;  \
        while (!(cond) && now_ms() < until_) \
            uv_run(&loop, UV_RUN_ONCE);      \
        CHECK(cond);                         \
    } while (0)

static struct pool_status status_now(void)
{
    struct pool_status s;

    pool_status(pool, &s);
    return s;
}

static void turn_for(uint64_t ms)
{
    uint64_t until = now_ms() + ms;

    while (now_ms() < until)
        uv_run(&loop, UV_RUN_ONCE);
}

/* ---- answers ---- */
struct answer {
    int calls;
    struct pg_result *res;
    struct pg_error err;
    uint64_t at_ms;
};

static void on_answer(struct pg_result *res, const struct pg_error *err, void *arg)
{
    struct answer *a = arg;

    a->calls++;
    a->at_ms = now_ms();
    pg_result_free(a->res);
    a->res = res;
    if (err)
        a->err = *err;
}

static void answer_free(struct answer *a)
{
    pg_result_free(a->res);
    a->res = NULL;
}

static struct pg_statement statement(const char *sql)
{
    return (struct pg_statement){.sql = slice_str(sql)};
}

/* One statement on any connection; its first cell, or "kind sqlstate". */
static const char *ask_with(const char *sql, int n, const char *const *values)
{
    static char text[256];
    int lengths[8];
    struct answer a = {0};
    struct pg_statement st = {slice_str(sql), 0, n, values, lengths};

    for (int i = 0; i < n; i++)
        lengths[i] = values[i] ? (int)strlen(values[i]) : 0;
    pool_query(pool, &st, NULL, on_answer, &a);
    while (a.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    if (a.res == NULL)
        snprintf(text, sizeof text, "%s %s", pg_error_kind_name(a.err.kind), a.err.sqlstate);
    else if (pg_result_rows(a.res) == 0)
        snprintf(text, sizeof text, "%lld", (long long)pg_result_affected(a.res));
    else
        snprintf(text, sizeof text, "%.*s", (int)pg_result_text(a.res, 0, 0).n, pg_result_text(a.res, 0, 0).p);
    answer_free(&a);
    return text;
}

static const char *ask(const char *sql)
{
    return ask_with(sql, 0, NULL);
}

#define CHECK_ASK(sql, want)                 \
    do {                                     \
        const char *got_ = ask(sql);         \
        CHECK_STR(got_, strlen(got_), want); \
    } while (0)

/* ---- borrowing ---- */
struct borrower {
    struct pool_wait wait;
    struct pg_conn *conn;
    struct pg_error err;
    int calls;
};

static void on_borrowed(struct pool_wait *w, struct pg_conn *conn, const struct pg_error *err)
{
    struct borrower *b = w->arg;

    b->calls++;
    b->conn = conn;
    if (err)
        b->err = *err;
}

static void borrow(struct borrower *b)
{
    *b = (struct borrower){.calls = 0};
    pool_acquire(pool, &b->wait, on_borrowed, b);
    CHECK_INT(b->calls, 0);
}

static void script_on(struct pg_conn *c, const char *sql, struct answer *a)
{
    int calls = a->calls;

    pg_conn_script(c, slice_str(sql), on_answer, a);
    CHECK_INT(a->calls, calls);
}
#endif
