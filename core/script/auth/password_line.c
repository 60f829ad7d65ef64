#define _GNU_SOURCE /* sched_getaffinity */
#include "script/auth/password_line.h"

#include "base/clock.h"
#include "base/mem.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NICE: the loop goes first. STACK_BYTES: what crypt works in is on the heap. FIRST_GUESS_US: what a hash of the default
 * cost takes, until one was measured; it only says when to come again. */
enum { NICE = 10, STACK_BYTES = 256 * 1024, FIRST_GUESS_US = 250 * 1000 };

static struct {
    pthread_mutex_t lock; /* over all of it */
    struct list waiting, done;
    unsigned waiting_n, threads;
    uint64_t took_us; /* the last one */
    uv_async_t *wake; /* owned; NULL while nobody waits, so that an idle loop has no handle of ours */
} line = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .waiting = {&line.waiting, &line.waiting},
          .done = {&line.done, &line.done},
          .took_us = FIRST_GUESS_US};

struct password_job *password_job_new(void)
{
    struct password_job *job = mem_zalloc(sizeof *job);
    list_init(&job->link);
    return job;
}

void password_job_free(struct password_job *job)
{
    OPENSSL_cleanse(job, sizeof *job);
    free(job);
}

unsigned password_threads(unsigned workers)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    unsigned spare = cores > 1 ? (unsigned)cores - 1 : 1;
    return workers < spare ? spare / (workers ? workers : 1) : 1;
}

static void run(struct password_job *job)
{
    struct slice password = slice_of(job->password, job->password_n);
    if (job->what == PASSWORD_HASH)
        job->status = password_hash(password, job->cost, job->hash);
    else
        job->status = password_verify(password, slice_of(job->hash, PASSWORD_HASH_BYTES));
    OPENSSL_cleanse(job->password, sizeof job->password);
}

static void *work(void *arg)
{
    (void)arg;
    struct list *l;
    /* Linux counts niceness by thread, and does not let it be taken back: another reason not to use a shared pool. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    pthread_mutex_lock(&line.lock);
    while ((l = list_first(&line.waiting)) != NULL) {
        struct password_job *job = LIST_OF(l, struct password_job, link);
        list_remove(l);
        line.waiting_n--;
        job->waiting = false;
        pthread_mutex_unlock(&line.lock);
        uint64_t began = clock_monotonic_us();
        run(job);
        pthread_mutex_lock(&line.lock);
        line.took_us = clock_monotonic_us() - began;
        list_push_back(&line.done, &job->link);
        uv_async_send(line.wake);
    }
    line.threads--;
    uv_async_send(line.wake); /* inside the lock: the loop closes it when there is no thread left */
    pthread_mutex_unlock(&line.lock);
    return NULL;
}

static bool start_thread(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the loop's */
    int rc = pthread_create(&thread, &attr, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

static void on_wake(uv_async_t *wake)
{
    struct list ready, *l;
    list_init(&ready);
    pthread_mutex_lock(&line.lock);
    while ((l = list_first(&line.done)) != NULL) {
        list_remove(l);
        list_push_back(&ready, l);
    }
    if (line.threads == 0 && list_is_empty(&line.waiting) && line.wake == wake) {
        line.wake = NULL;
        uv_close((uv_handle_t *)wake, on_closed);
    }
    pthread_mutex_unlock(&line.lock);
    while ((l = list_first(&ready)) != NULL) {
        struct password_job *job = LIST_OF(l, struct password_job, link);
        list_remove(l);
        job->done(job, job->arg);
    }
}

static bool open_wake(uv_loop_t *loop)
{
    if (line.wake != NULL)
        return true;
    line.wake = mem_alloc(sizeof *line.wake);
    if (uv_async_init(loop, line.wake, on_wake) == 0)
        return true;
    free(line.wake);
    line.wake = NULL;
    return false;
}

static bool join(const struct password_opts *opts, struct password_job *job)
{
    if (line.waiting_n >= opts->line_max || !open_wake(opts->loop))
        return false;
    list_push_back(&line.waiting, &job->link);
    line.waiting_n++;
    job->waiting = true;
    if (line.threads >= opts->threads_max)
        return true;
    if (start_thread()) {
        line.threads++;
        return true;
    }
    if (line.threads > 0)
        return true;
    list_remove(&job->link); /* no thread can be made: as good as full */
    line.waiting_n--;
    job->waiting = false;
    uv_async_send(line.wake); /* which closes itself */
    return false;
}

bool password_line_push(const struct password_opts *opts, struct password_job *job)
{
    pthread_mutex_lock(&line.lock);
    bool taken = join(opts, job);
    pthread_mutex_unlock(&line.lock);
    return taken;
}

bool password_line_drop(struct password_job *job)
{
    pthread_mutex_lock(&line.lock);
    bool waiting = job->waiting;
    if (waiting) {
        list_remove(&job->link);
        line.waiting_n--;
        job->waiting = false;
    }
    pthread_mutex_unlock(&line.lock);
    return waiting;
}

unsigned password_line_seconds(void)
{
    pthread_mutex_lock(&line.lock);
    uint64_t us = line.took_us * (line.waiting_n + 1) / (line.threads ? line.threads : 1);
    pthread_mutex_unlock(&line.lock);
    return (unsigned)(us / 1000000) + 1;
}
