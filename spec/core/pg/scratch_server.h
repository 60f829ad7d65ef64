#ifndef SPEC_SCRATCH_SERVER_H
#define SPEC_SCRATCH_SERVER_H
/* A Postgres of the test's own: a folder under /tmp, a Unix socket, nothing else. Ends with the test's process. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    char dir[64], bin[128], url[256];
    uid_t uid;
    gid_t gid;
} scratch;

/* Runs bin/<words of the format> as whoever owns the folder; its output goes to the folder's log. */
static int __attribute__((format(printf, 1, 2))) scratch_run(const char *fmt, ...)
{
    char words[512], command[768];
    int status;
    pid_t pid;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    snprintf(command, sizeof command, "%s/%s >>%s/log 2>&1 </dev/null", scratch.bin, words, scratch.dir);
    pid = fork();
    if (pid == 0) {
        if (chdir(scratch.dir) != 0 || (getuid() == 0 && (setgid(scratch.gid) != 0 || setuid(scratch.uid) != 0)))
            _exit(70);
        unsetenv("LD_PRELOAD");
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(71);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t scratch_postmaster(void)
{
    char path[128];
    FILE *f;
    int pid = 0;

    snprintf(path, sizeof path, "%s/data/postmaster.pid", scratch.dir);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%d", &pid) != 1)
        pid = 0;
    fclose(f);
    return pid;
}

static void scratch_start(void)
{
    if (scratch_run(
            "pg_ctl -D data -w -t 30 -l server.log -o \"-c listen_addresses='' -c unix_socket_directories='%s' -F\" start",
            scratch.dir) != 0) {
        fprintf(stderr, "Postgres did not start; see %s\n", scratch.dir);
        exit(1);
    }
}

static void scratch_stop(const char *how)
{
    scratch_run("pg_ctl -D data -w -t 30 -m %s stop", how);
}

static struct {
    pid_t pid;
    int pipe;
} scratch_guard;

static void scratch_remove(void)
{
    char command[128];

    scratch_stop("immediate");
    snprintf(command, sizeof command, "rm -rf %s", scratch.dir);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", scratch.dir);
}

static void scratch_dismiss_guard(void)
{
    close(scratch_guard.pipe);
    waitpid(scratch_guard.pid, NULL, 0);
}

/* A process that ends the server when the test is over, however it ends: it sees the test's end of a pipe close. */
static void scratch_start_guard(void)
{
    int ends[2];
    char byte;

    if (pipe(ends) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
        exit(1);
    scratch_guard.pid = fork();
    if (scratch_guard.pid == 0) {
        close(ends[1]);
        setsid();
        while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
            ;
        scratch_remove();
        _exit(0);
    }
    close(ends[0]);
    scratch_guard.pipe = ends[1];
    atexit(scratch_dismiss_guard);
}

static void scratch_find_bin(void)
{
    glob_t found;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0) {
        fprintf(stderr, "no Postgres in /usr/lib/postgresql\n");
        exit(1);
    }
    snprintf(scratch.bin, sizeof scratch.bin, "%.*s", (int)(strlen(found.gl_pathv[found.gl_pathc - 1]) - strlen("/initdb")),
             found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
}

static const char *scratch_server(void)
{
    struct passwd *postgres = getpwnam("postgres");

    if (scratch.url[0])
        return scratch.url;
    scratch_find_bin();
    strcpy(scratch.dir, "/tmp/neap-pg-XXXXXX");
    if (mkdtemp(scratch.dir) == NULL)
        exit(1);
    if (getuid() == 0 && postgres) {
        scratch.uid = postgres->pw_uid;
        scratch.gid = postgres->pw_gid;
        if (chown(scratch.dir, scratch.uid, scratch.gid) != 0)
            exit(1);
    }
    scratch_start_guard();
    if (scratch_run("initdb -D data -U tester -A trust -E UTF8 --locale=C.UTF-8 -N") != 0) {
        fprintf(stderr, "initdb failed; see %s/log\n", scratch.dir);
        exit(1);
    }
    scratch_start();
    snprintf(scratch.url, sizeof scratch.url, "host=%s user=tester dbname=postgres", scratch.dir);
    return scratch.url;
}
#endif
