#include "core/http/metrics.c"
#include "spec/core/test.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static struct http_metrics *fresh(void)
{
    return mem_zalloc(sizeof(struct http_metrics));
}

TEST("a method and a pattern have one series, whoever asks and how often")
{
    struct http_metrics *m = fresh();
    unsigned get = metrics_series(m, SLICE_LIT("GET"), SLICE_LIT("/tasks/{id}"));

    CHECK(get > 0);
    CHECK(metrics_series(m, SLICE_LIT("PUT"), SLICE_LIT("/tasks/{id}")) != get);
    CHECK_INT(metrics_series(m, SLICE_LIT("GET"), SLICE_LIT("/tasks/{id}")), get);
    CHECK_STR(m->series[get].pattern, 11, "/tasks/{id}");
    free(m);
}

TEST("more routes than there is room for are counted with the requests that have none")
{
    struct http_metrics *m = fresh();
    char pattern[32];
    unsigned last = 0;

    for (int i = 1; i < SERIES_MAX; i++) {
        int n = snprintf(pattern, sizeof pattern, "/r%d", i);
        last = metrics_series(m, SLICE_LIT("GET"), slice_of(pattern, (size_t)n));
        CHECK_INT(last, i);
    }
    CHECK_INT(metrics_series(m, SLICE_LIT("GET"), SLICE_LIT("/one/more")), 0);
    CHECK_INT(metrics_series(m, SLICE_LIT("GET"), slice_str(pattern)), last);
    free(m);
}

TEST("a pattern that is too long is cut, and still found again")
{
    struct http_metrics *m = fresh();
    char pattern[400];
    unsigned first;

    memset(pattern, 'x', sizeof pattern);
    first = metrics_series(m, SLICE_LIT("OPTIONS"), slice_of(pattern, sizeof pattern));
    CHECK_INT(metrics_series(m, SLICE_LIT("OPTIONS"), slice_of(pattern, sizeof pattern)), first);
    CHECK_INT(strlen(m->series[first].pattern), SERIES_PATTERN_MAX - 1);
    free(m);
}

TEST("times go to the smallest bound that they do not exceed")
{
    struct http_metrics *m = fresh();
    struct times *t = &m->series[0].took;

    metrics_count(m, 0, 200, 500);
    metrics_count(m, 0, 204, 501);
    metrics_count(m, 0, 499, 60000000);
    metrics_count(m, 0, 503, 0);
    CHECK_INT(counter_get(&t->upto[0]), 2);
    CHECK_INT(counter_get(&t->upto[1]), 1);
    CHECK_INT(counter_get(&t->upto[TIMES_BOUNDS]), 1);
    CHECK_INT(counter_get(&t->sum_us), 60001001);
    CHECK_INT(counter_get(&m->series[0].by_class[2]), 2);
    CHECK_INT(counter_get(&m->series[0].by_class[0]), 1);
    CHECK_INT(counter_get(&m->series[0].by_class[5]), 1);
    free(m);
}
