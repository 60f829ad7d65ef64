#ifndef SPEC_LANE_FIXTURE_H
#define SPEC_LANE_FIXTURE_H
/* A pool whose connections are shared, on the scratch server. */
#include "pg/history.h"
#include "pg/pool_internal.h"
#include "spec/core/pg/pool_fixture.h"

static struct pool_opts shared_opts(void)
{
    struct pool_opts opts = default_opts();

    opts.min = opts.max = 4;
    opts.line_max = 2000;
    opts.acquire_ms = 9000;
    opts.pipeline = opts.write_lane = true;
    return opts;
}

static struct pool_query *submit(enum pool_word word, const char *sql, const char *value, struct answer *a)
{
    const char *values[] = {value};
    int lengths[] = {value ? (int)strlen(value) : 0};
    struct pg_statement st = {slice_str(sql), 0, value ? 1 : 0, values, lengths};

    return pool_query_shared(pool, word, &st, NULL, on_answer, a);
}

/* Its first cell, or "kind sqlstate". */
static const char *cell(const struct answer *a)
{
    static char text[256];

    if (a->res == NULL)
        snprintf(text, sizeof text, "%s %s", pg_error_kind_name(a->err.kind), a->err.sqlstate);
    else if (pg_result_rows(a->res) == 0)
        snprintf(text, sizeof text, "%lld", (long long)pg_result_affected(a->res));
    else
        snprintf(text, sizeof text, "%.*s", (int)pg_result_text(a->res, 0, 0).n, pg_result_text(a->res, 0, 0).p);
    return text;
}

static const char *share(enum pool_word word, const char *sql, const char *value)
{
    static char text[256];
    struct answer a = {0};

    submit(word, sql, value, &a);
    WAIT_FOR(a.calls == 1);
    snprintf(text, sizeof text, "%s", cell(&a));
    answer_free(&a);
    return text;
}

#define CHECK_SHARE(word, sql, value, want)         \
    do {                                            \
        const char *got_ = share(word, sql, value); \
        CHECK_STR(got_, strlen(got_), want);        \
    } while (0)

static unsigned shared_connections(void)
{
    return pool->count[CONN_LANE];
}

/* Runs it until it is known to be quick and its lane is open. */
static void make_quick(enum pool_word word, const char *sql, const char *value)
{
    unsigned lane = word == POOL_WRITES ? LANES - 1 : 0;
    uint64_t hash = statement_hash(slice_str(sql)), until = now_ms() + 10000;
    struct text_past *past = &pool->history.past[hash % HISTORY_PLACES];

    for (int i = 0; i < 40; i++)
        share(word, sql, value);
    while ((pool->lanes[lane].state != LANE_OPEN || !history_is_quick(&pool->history, past)) && now_ms() < until)
        share(word, sql, value);
    CHECK_INT(pool->lanes[lane].state, LANE_OPEN);
    CHECK_INT(pool->lanes[lane].depth, 0);
}

static void wait_for_all(struct answer *answers, int n)
{
    for (int i = 0; i < n; i++)
        WAIT_FOR(answers[i].calls == 1);
}

static void free_all(struct answer *answers, int n)
{
    for (int i = 0; i < n; i++)
        answer_free(&answers[i]);
}
#endif
