#include "http/metrics.h"
#include <string.h>

static void copy_cut(char *out, size_t size, struct slice s)
{
    size_t n = s.n < size ? s.n : size - 1;

    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

unsigned metrics_series(struct http_metrics *m, struct slice method, struct slice pattern)
{
    unsigned n = atomic_load_explicit(&m->count, memory_order_relaxed);
    struct series wanted;

    copy_cut(wanted.method, sizeof wanted.method, method);
    copy_cut(wanted.pattern, sizeof wanted.pattern, pattern);
    for (unsigned i = 1; i < n; i++)
        if (strcmp(m->series[i].pattern, wanted.pattern) == 0 && strcmp(m->series[i].method, wanted.method) == 0)
            return i;
    if (n == 0)
        n = 1;
    if (n == SERIES_MAX)
        return 0;
    memcpy(m->series[n].method, wanted.method, sizeof wanted.method);
    memcpy(m->series[n].pattern, wanted.pattern, sizeof wanted.pattern);
    atomic_store_explicit(&m->count, n + 1, memory_order_release);
    return n;
}

void metrics_count(struct http_metrics *m, unsigned series, int status, uint64_t us)
{
    struct series *s = &m->series[series];

    counter_add(&s->by_class[status == STATUS_CLIENT_LEFT ? 0 : status / 100], 1);
    times_add(&s->took, us);
}
