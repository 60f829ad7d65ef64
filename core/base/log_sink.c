#define _GNU_SOURCE /* memrchr */
#include "base/log_sink.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 1000 };

static struct {
    int fd;
    int own_fd; /* a description of our own for the same pipe or terminal; -1 when there is none */
    bool exit_hooked;
    bool is_socket;
    bool clogged;      /* the last write was given up: don't wait again until one works */
    bool line_is_half; /* `lines` begins with the rest of a line */
    uint64_t dropped, dropped_told;
} sink = {.fd = STDOUT_FILENO, .own_fd = -1};

/* O_NONBLOCK belongs to the open description, which the shell and the other workers share. Opening the pipe or terminal
 * anew gives one that is ours. It fails for sockets, which have MSG_DONTWAIT, and where the owner is another user. */
static int reopen_nonblocking(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
}

void log_sink_open(int fd)
{
    struct stat st = {0};

    if (sink.own_fd >= 0)
        close(sink.own_fd);
    sink.own_fd = -1;
    if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
        sink.own_fd = reopen_nonblocking(fd);
    sink.is_socket = S_ISSOCK(st.st_mode);
    sink.fd = sink.own_fd >= 0 ? sink.own_fd : fd;
    sink.clogged = sink.line_is_half = false;
    if (!sink.exit_hooked)
        atexit(log_flush);
    sink.exit_hooked = true;
}

uint64_t log_dropped(void)
{
    return sink.dropped;
}

static bool wait_writable(uint64_t until_us)
{
    struct pollfd p = {.fd = sink.fd, .events = POLLOUT};
    for (;;) {
        uint64_t now = clock_monotonic_us();
        int left_ms = sink.clogged || now >= until_us ? 0 : (int)((until_us - now + 999) / 1000);
        int n = poll(&p, 1, left_ms);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

/* Whole lines up to PIPE_BUF, which a pipe takes at once or not at all: lines of several workers don't mix. A longer line
 * goes in pieces. */
static size_t piece(const char *p, size_t n)
{
    if (n <= PIPE_BUF)
        return n;
    const char *last = memrchr(p, '\n', PIPE_BUF);
    return last == NULL ? PIPE_BUF : (size_t)(last - p) + 1;
}

static ssize_t write_piece(const char *p, size_t n)
{
    if (sink.is_socket)
        return send(sink.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(sink.fd, p, sink.own_fd < 0 ? n : piece(p, n));
}

static size_t write_most(const char *p, size_t n)
{
    uint64_t until_us = 0;
    size_t done = 0;

    while (done < n) {
        ssize_t w = write_piece(p + done, n - done);
        if (w > 0) {
            done += (size_t)w;
            sink.clogged = false;
            until_us = 0;
            continue;
        }
        if (w < 0 && errno == EINTR)
            continue;
        if (w == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            break;
        if (until_us == 0)
            until_us = clock_monotonic_us() + WAIT_MS * 1000;
        if (!wait_writable(until_us))
            break;
    }
    return done;
}

/* Everything after the line that is half out goes. */
static void drop_rest(struct buf *lines, size_t done)
{
    bool cut = done > 0 ? lines->p[done - 1] != '\n' : sink.line_is_half;
    size_t keep = done;

    if (cut) {
        const char *end = memchr(lines->p + done, '\n', lines->n - done);
        keep = end == NULL ? lines->n : (size_t)(end - lines->p) + 1;
    }
    for (size_t i = keep; i < lines->n; i++)
        sink.dropped += lines->p[i] == '\n';
    lines->n = keep;
    buf_consume(lines, done);
    sink.line_is_half = cut;
    sink.clogged = true;
}

uint64_t log_sink_write(struct buf *lines)
{
    size_t done = write_most(lines->p, lines->n);
    if (done < lines->n) {
        drop_rest(lines, done);
        return 0;
    }
    buf_clear(lines);
    sink.line_is_half = false;
    uint64_t lost = sink.dropped - sink.dropped_told;
    sink.dropped_told = sink.dropped;
    return lost;
}
