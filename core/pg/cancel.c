#include "pg/cancel.h"
#include "base/log.h"
#include "base/mem.h"
#include "pg/conn.h"
#include <stdlib.h>

enum { CANCEL_AGAIN_MS = 20 };

struct cancel_job {
    struct list link; /* in the gate's line */
    uv_work_t work;
    struct cancel_gate *gate;
    struct pg_conn *conn; /* held */
    PGcancel *request;    /* owned */
    bool running;
    int ok;
    char err[256];
};

void cancel_gate_init(struct cancel_gate *g)
{
    list_init(&g->line);
    g->running = 0;
}

static void on_thread(uv_work_t *work)
{
    struct cancel_job *job = work->data;

    job->ok = PQcancel(job->request, job->err, sizeof job->err);
}

static void job_free(struct cancel_job *job)
{
    PQfreeCancel(job->request);
    free(job);
}

static void next(struct cancel_gate *g);

static void on_done(uv_work_t *work, int status)
{
    struct cancel_job *job = work->data;
    struct pg_conn *c = job->conn;
    struct cancel_gate *g = job->gate;

    g->running--;
    next(g);
    if (status == 0 && !job->ok) {
        pg_error_trim(job->err);
        log_note(LOG_WARN, "pool", "a cancel request failed", "error", job->err);
    }
    job_free(job);
    c->cancel = NULL;
    if (c->fn && c->step == STEP_NONE && !c->closing)
        pg_conn_finish(c);
    else if (c->fn && c->pq && !c->closing)
        wheel_set(c->opts->wheel, &c->cancel_again, CANCEL_AGAIN_MS);
    pg_conn_drop_hold(c);
}

/* A request that overtakes its statement finds an idle session, which ignores it. */
void cancel_on_again(struct wheel_timer *t)
{
    struct pg_conn *c = LIST_OF(t, struct pg_conn, cancel_again);

    if (c->fn && c->stop != STOP_NONE && c->step != STEP_NONE)
        cancel_start(c);
}

static void run(struct cancel_job *job)
{
    job->running = true;
    job->gate->running++;
    uv_queue_work(job->conn->opts->loop, &job->work, on_thread, on_done);
}

static void next(struct cancel_gate *g)
{
    struct list *n = list_first(&g->line);

    if (n == NULL || g->running >= CANCELS_RUNNING_MAX)
        return;
    list_remove(n);
    run(LIST_OF(n, struct cancel_job, link));
}

void cancel_start(struct pg_conn *c)
{
    struct cancel_gate *g = c->opts->cancels;
    PGcancel *request = c->pq ? PQgetCancel(c->pq) : NULL;
    struct cancel_job *job;

    if (request == NULL || c->cancel) {
        PQfreeCancel(request);
        return;
    }
    job = mem_zalloc(sizeof *job);
    list_init(&job->link);
    job->work.data = job;
    job->gate = g;
    job->conn = c;
    job->request = request;
    c->cancel = job;
    pg_conn_hold(c);
    list_push_back(&g->line, &job->link);
    next(g);
}

bool cancel_drop(struct pg_conn *c)
{
    struct cancel_job *job = c->cancel;

    if (job == NULL)
        return true;
    if (job->running)
        return false;
    list_remove(&job->link);
    job_free(job);
    c->cancel = NULL;
    pg_conn_drop_hold(c);
    return true;
}
