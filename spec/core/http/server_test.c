#include "core/http/server.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

static unsigned connections(void)
{
    return server_counts(net.server)->connections;
}

TEST("one connection too many is told so, and others are not disturbed")
{
    struct limits limits = limits_default;
    limits.connections_max = 2;
    net_open_with(false, &limits);
    struct client *a = client_open(), *b = client_open();
    UNTIL(connections() == 2);
    struct client *c = client_open();
    client_say(c, GET_HELLO);
    UNTIL(c->eof);
    CHECK(!c->reset && HAS(c, "HTTP/1.1 503 ") && HAS(c, "\r\nRetry-After: 1\r\n") && HAS(c, "Connection: close\r\n"));
    CHECK_INT(server_counts(net.server)->refused, 1);
    client_drop(c);
    UNTIL(net.server->refusing == 0);
    CHECK_INT(connections(), 2);
    client_say(a, GET_HELLO);
    UNTIL(HAS(a, "\"hello\""));
    client_drop(b);
    UNTIL(connections() == 1);
    struct client *d = client_open();
    client_say(d, GET_HELLO);
    UNTIL(HAS(d, "\"hello\""));
    net_close();
}

/* Up to that number. Returns how many there are. */
static int take_files(int *files, int upto)
{
    int n = 0;
    while ((files[n] = dup(STDOUT_FILENO)) < upto)
        n++;
    return n + 1;
}

TEST("a connection for which there is hardly a file descriptor left is told so, and later ones are taken again")
{
    int files[128], first = dup(STDOUT_FILENO), last = first + 64;
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    close(first);
    few = (struct rlimit){.rlim_cur = (rlim_t)last + FILES_KEPT, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    log_open(open("/dev/null", O_WRONLY), LOG_ERROR);
    net_open();
    CHECK_INT(net.server->files_max, last);
    int n = take_files(files, last);
    struct client *a = client_open();
    client_say(a, GET_HELLO);
    UNTIL(a->eof);
    CHECK(!a->reset && HAS(a, "HTTP/1.1 503 ") && HAS(a, "\r\nRetry-After: 1\r\n"));
    while (n > 0)
        close(files[--n]);
    struct client *b = client_open();
    client_say(b, GET_HELLO);
    UNTIL(HAS(b, "\"hello\""));
    CHECK_INT(server_counts(net.server)->refused, 1);
    net_close();
    log_open(STDOUT_FILENO, LOG_INFO);
    setrlimit(RLIMIT_NOFILE, &before);
}

TEST("a drain takes no connection, finishes what runs, and ends once")
{
    net_open();
    struct client *idle = client_open(), *busy = client_open();
    client_say(idle, GET_HELLO);
    client_say(busy, GET_WAIT);
    UNTIL(net.waiting_count == 1 && HAS(idle, "\"hello\""));
    server_drain(net.server, note_closed, &net.drained);
    CHECK(server_is_draining(net.server) && !net.drained);
    turns(5);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&net.address, sizeof net.address) != 0);
    close(fd);
    CHECK(!idle->eof); /* a request may be on its way to us */
    pass(DRAIN_IDLE_MS);
    UNTIL(idle->eof);
    CHECK(!busy->eof && !net.drained);
    answer_waiting(0);
    UNTIL(busy->eof);
    CHECK(HAS(busy, "\"late\"") && HAS(busy, "Connection: close\r\n"));
    client_drop(busy);
    UNTIL(net.drained);
    CHECK_INT(net.cancelled, 0);
    net_close();
}

TEST("a drain answers those who were let in and not yet greeted")
{
    net_open();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&net.address, sizeof net.address) == 0);
    CHECK(write(fd, GET_HELLO, sizeof GET_HELLO - 1) == sizeof GET_HELLO - 1);
    server_drain(net.server, note_closed, &net.drained);
    char answer[1024] = "";
    UNTIL(recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_PEEK) > 0);
    CHECK(strstr(answer, "\"hello\"") && strstr(answer, "Connection: close\r\n"));
    close(fd);
    UNTIL(net.drained);
    net_close();
}

TEST("during a drain a request on a kept connection is still answered, with a close")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_HELLO);
    UNTIL(HAS(c, "\"hello\""));
    CHECK(!HAS(c, "Connection: close"));
    server_drain(net.server, note_closed, &net.drained);
    client_say(c, GET_HELLO);
    UNTIL(c->eof);
    CHECK_INT(count_of(c, "\"hello\""), 2);
    CHECK_INT(count_of(c, "Connection: close\r\n"), 1);
    net_close();
}

TEST("a drain of nothing ends too, and not from inside the call")
{
    net_open();
    server_drain(net.server, note_closed, &net.drained);
    CHECK(!net.drained);
    UNTIL(net.drained);
    net_close();
}

TEST("a drain waits for a request whose client left, until it is cut short")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    client_drop(c);
    UNTIL(net.cancelled == 1 && connections() == 0);
    server_drain(net.server, note_closed, &net.drained);
    turns(20);
    CHECK(!net.drained);
    server_cancel_all(net.server);
    UNTIL(net.drained);
    answer_waiting(0);
    net_close();
}

TEST("the deadline of a drain cancels what runs and closes all")
{
    net_open();
    struct client *a = client_open(), *b = client_open(), *c = client_open();
    client_say(a, GET_WAIT);
    client_say(b, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    client_say(c, "GET /hel");
    UNTIL(net.waiting_count == 1 && connections() == 3);
    server_drain(net.server, note_closed, &net.drained);
    server_cancel_all(net.server);
    CHECK_INT(net.cancelled, 1);
    UNTIL(net.drained);
    CHECK_INT(connections(), 0);
    answer_waiting(0);
    net_close();
}

TEST("closing waits for the app's last answer")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    server_close(net.server, note_closed, &net.closed);
    turns(50);
    CHECK(!net.closed && net.cancelled == 1);
    answer_waiting(0);
    UNTIL(net.closed);
    CHECK_INT(uv_loop_close(&net.loop), 0);
    CHECK_INT(net.wheel.count, 0);
    client_drop(c);
    buf_free(&c->got);
    buf_free(&net.seen);
    free(net.big);
}

static void note_freed(void *arg)
{
    (*(int *)arg)++;
}

TEST("new routes serve the next request while the old table lives as long as its requests")
{
    int freed = 0;
    net_open();
    struct route_table *t = route_table_new(note_freed, &freed);
    add(t, METHOD_GET, "/wait", H_WAIT, 0, false);
    server_set_routes(net.server, t);
    route_table_unref(t);
    struct client *c = client_open();
    client_say(c, GET_WAIT GET_HELLO);
    UNTIL(net.waiting_count == 1);
    add_routes();
    CHECK_INT(freed, 0);
    answer_waiting(0);
    CHECK_INT(freed, 1);
    UNTIL(HAS(c, "\"hello\""));
    net_close();
}

TEST("a note is on every answer until it is taken away")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_HELLO);
    UNTIL(count_of(c, "HTTP/1.1 ") == 1);
    server_set_note(net.server, SLICE_LIT("X-Neap-Error: app.lua:3\r\n"));
    client_say(c, GET_HELLO "GET /nobody HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(count_of(c, "HTTP/1.1 ") == 3);
    CHECK_INT(count_of(c, "\r\nX-Neap-Error: app.lua:3\r\n"), 2);
    server_set_note(net.server, slice_of(NULL, 0));
    client_say(c, GET_HELLO);
    UNTIL(count_of(c, "HTTP/1.1 ") == 4);
    CHECK_INT(count_of(c, "X-Neap-Error"), 2);
    net_close();
}

TEST("answers and bytes are counted")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_HELLO "GET /nobody HTTP/1.1\r\n" HOST "\r\n" GET_WAIT);
    UNTIL(net.waiting_count == 1 && count_of(c, "HTTP/1.1 ") == 2);
    const struct server_counts *counts = server_counts(net.server);
    CHECK(counts->accepted == 1 && counts->requests == 3 && counts->active == 1 && counts->idle == 0);
    CHECK(counts->by_class[2] == 1 && counts->by_class[4] == 1 && counts->by_class[5] == 0);
    CHECK_INT(counts->bytes_in, strlen(GET_HELLO "GET /nobody HTTP/1.1\r\n" HOST "\r\n" GET_WAIT));
    CHECK_INT(counts->bytes_out, c->got.n);
    answer_waiting(0);
    net_close();
}
