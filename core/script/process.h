#ifndef SCRIPT_PROCESS_H
#define SCRIPT_PROCESS_H
/* A child process with pipes on any of its first descriptors. The child is not killed when nobody looks at it any more:
 * its pipes are closed, and it may go on. Freed when the owner dropped it and libuv closed its handle. */
#include "script/channel.h"

enum {
    PROCESS_FDS_MAX = 16,
    PROCESS_OUTPUT_MAX = 16 << 20, /* of process_collect: 16 MiB, on each stream */
    PROCESS_DRAIN_MS = 2000,       /* for a grandchild that keeps the pipes open after the child's end */
};

struct process_spec {
    char **argv; /* all borrowed during the call; NULL at the end */
    char **env;  /* NULL: ours */
    const char *cwd;
    int uid, gid; /* -1: ours */
    enum { STDIO_NULL, STDIO_PIPE, STDIO_INHERIT } stdio[PROCESS_FDS_MAX];
    int inherited[PROCESS_FDS_MAX]; /* our descriptor that becomes the child's */
    int fds_n;
};

struct process {
    uv_process_t handle;
    const struct script_env *env;             /* borrowed */
    struct channel *streams[PROCESS_FDS_MAX]; /* owned; NULL where the child has no pipe */
    struct waiter waiter;
    struct wheel_timer drain;
    int64_t code;
    int signal; /* that ended it, or 0 */
    bool exited, collecting, drained, too_much, closed, dropped;
};

/* 0, or a libuv code; then *out is NULL. */
int process_spawn(const struct script_env *env, const struct process_spec *spec, struct process **out)
    __attribute__((warn_unused_result));
void process_drop(struct process *p); /* NULL is fine */
int process_kill(struct process *p, int signal);
/* waiter_end() comes when the child ended and its output is read, or is too much: then it was killed. */
void process_collect(struct process *p);
bool process_is_collected(const struct process *p);
#endif
