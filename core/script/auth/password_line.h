#ifndef SCRIPT_AUTH_PASSWORD_LINE_H
#define SCRIPT_AUTH_PASSWORD_LINE_H
/* Passwords that wait to be hashed, one line per process. bcrypt is slow on purpose, so it is done by threads of its own:
 * those of libuv's pool would be taken from DNS and files, and these stand behind the loop in the kernel's order, so that a
 * run on the sign-in page does not slow the other routes. They are there only while somebody waits. */
#include "auth/password.h"
#include "base/list.h"
#include <uv.h>

enum password_task { PASSWORD_HASH, PASSWORD_VERIFY };

struct password_job {
    struct list link;
    enum password_task what;
    enum password_status status;
    unsigned cost; /* of PASSWORD_HASH */
    size_t password_n;
    char password[PASSWORD_BYTES_MAX];
    char hash[PASSWORD_HASH_BYTES + 1];
    bool waiting; /* in the line: no thread has it yet */
    void (*done)(struct password_job *job, void *arg);
    void *arg;
};

struct password_job *password_job_new(void);
void password_job_free(struct password_job *job); /* wipes it */

struct password_opts {
    uv_loop_t *loop;
    unsigned threads_max; /* at a time */
    unsigned line_max;    /* that wait besides */
};

/* False: the line is full, and the job is still the caller's. Else done(job, arg) is called once from the loop, later, and
 * the job is the caller's again. */
bool password_line_push(const struct password_opts *opts, struct password_job *job) __attribute__((warn_unused_result));
/* Takes a job out of the line; done() will not be called. False: a thread has it already. */
bool password_line_drop(struct password_job *job);
/* Seconds until a job that came now would be done, as far as one can tell; at least 1. */
unsigned password_line_seconds(void);
unsigned password_threads(unsigned workers); /* of one of that many workers: all but one core are shared among them */
#endif
