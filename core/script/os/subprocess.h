#ifndef SCRIPT_OS_SUBPROCESS_H
#define SCRIPT_OS_SUBPROCESS_H
/* A child process with pipes on any of its first descriptors. The child is not killed when nobody looks at it any more:
 * its pipes are closed, and it may go on. Freed when the owner dropped it and libuv closed its handle. */
#include "script/os/channel.h"

enum {
    SUBPROCESS_FDS_MAX = 16,
    SUBPROCESS_OUTPUT_MAX = 16 << 20, /* of subprocess_collect: 16 MiB, on each stream */
    SUBPROCESS_DRAIN_MS = 2000,       /* for a grandchild that keeps the pipes open after the child's end */
};

struct subprocess_spec {
    char **argv; /* all borrowed during the call; NULL at the end */
    char **env;  /* NULL: ours */
    const char *cwd;
    int uid, gid; /* -1: ours */
    bool apart;   /* in a session of its own: what a terminal sends to our group does not reach it */
    enum { STDIO_NULL, STDIO_PIPE, STDIO_INHERIT } stdio[SUBPROCESS_FDS_MAX];
    int inherited[SUBPROCESS_FDS_MAX]; /* our descriptor that becomes the child's */
    int fds_n;
};

struct subprocess {
    uv_process_t handle;
    const struct script_env *env;                /* borrowed */
    struct channel *streams[SUBPROCESS_FDS_MAX]; /* owned; NULL where the child has no pipe */
    struct waiter waiter;
    struct wheel_timer drain;
    int64_t code;
    int signal; /* that ended it, or 0 */
    bool exited, collecting, drained, too_much, closed, dropped;
};

/* 0, or a libuv code; then *out is NULL. */
int subprocess_spawn(const struct script_env *env, const struct subprocess_spec *spec, struct subprocess **out)
    __attribute__((warn_unused_result));
void subprocess_drop(struct subprocess *p); /* NULL is fine */
int subprocess_kill(struct subprocess *p, int signal);
/* waiter_end() comes when the child ended and its output is read, or is too much: then it was killed. */
void subprocess_collect(struct subprocess *p);
bool subprocess_is_collected(const struct subprocess *p);
#endif
