#ifndef SPEC_HTTP_LOOPBACK_H
#define SPEC_HTTP_LOOPBACK_H
/* A server and its clients on one loop, for the tests of connections. The wheel's clock is moved by hand: pass(ms) is a
 * wait that takes no time. */
#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { H_HELLO, H_WAIT, H_LENGTH, H_BIG, H_CLOSE, H_ERROR, H_ANSWER, H_CANCEL };
enum { BIG_BYTES = 24 * 1024 * 1024, CLIENTS_MAX = 8, WAITING_MAX = 16, TURNS_MAX = 20000 };

struct client {
    int fd;
    struct buf got;
    bool eof, reset;
};

static struct {
    uv_loop_t loop;
    struct wheel wheel;
    uint64_t skew_ms;
    struct limits limits;
    struct server *server;
    struct sockaddr_in address;
    struct client clients[CLIENTS_MAX];
    int client_count;
    struct request *waiting[WAITING_MAX];
    int waiting_count, answered, started, cancelled;
    struct buf seen; /* what handlers saw: method path body-length; */
    bool drained, closed;
    char *big;
} net;

/* Everybody is a stranger. */
static bool app_admit(struct request *req, void *arg)
{
    (void)arg;
    if (req->match.route->auth == ROUTE_AUTH_NONE)
        return true;
    response_error(req, 401, "token_missing", SLICE_LIT("Sign in"), (struct slice){0}, (struct slice){0});
    return false;
}

static void app_start(struct request *req, void *arg)
{
    (void)arg;
    net.started++;
    struct slice path = request_path(req);
    buf_printf(&net.seen, "%s %.*s %zu;", http_method_names[req->head.method].p, (int)path.n, path.p, req->body.n);
    switch (req->match.route->handler) {
    case H_WAIT:
        net.waiting[net.waiting_count++] = req;
        break;
    case H_BIG:
        response_send(
            req, &(struct response){.status = 200, .content_type = SLICE_LIT("text/plain"), .body = {net.big, BIG_BYTES}});
        break;
    case H_CLOSE:
        response_send(req, &(struct response){.status = 200, .body = SLICE_LIT("\"bye\""), .close = true});
        break;
    case H_ERROR:
        response_error(req, 409, "conflict", SLICE_LIT("it \"is\""), SLICE_LIT("{\"a\":1}"), SLICE_LIT("X-A: b\r\n"));
        break;
    case H_CANCEL:
        net.waiting[net.waiting_count++] = req;
        server_cancel_all(net.server);
        break;
    case H_ANSWER: /* that of the request that waits longest, on another connection */
        if (net.answered < net.waiting_count)
            response_send(net.waiting[net.answered++], &(struct response){.status = 200, .body = SLICE_LIT("\"late\"")});
        response_send(req, &(struct response){.status = 200, .body = SLICE_LIT("\"done\"")});
        break;
    default:
        response_send(req, &(struct response){.status = 200, .body = SLICE_LIT("\"hello\"")});
    }
}

static void app_cancel(struct request *req, void *arg)
{
    (void)req;
    (void)arg;
    net.cancelled++;
}

static void turn(void)
{
    char piece[65536];
    uv_run(&net.loop, UV_RUN_NOWAIT);
    wheel_advance(&net.wheel, uv_now(&net.loop) + net.skew_ms);
    log_flush();
    for (int i = 0; i < net.client_count; i++) {
        struct client *c = &net.clients[i];
        ssize_t n = c->fd < 0 || c->eof || c->reset ? -2 : recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n > 0)
            buf_append(&c->got, piece, (size_t)n);
        else if (n == 0)
            c->eof = true;
        else if (n == -1 && errno != EAGAIN)
            c->reset = true;
    }
}

/* Turns the loop until cond holds; the test fails when it never does. */
#define UNTIL(cond)                             \
    do {                                        \
        int turns_ = 0;                         \
        while (!(cond) && turns_ < TURNS_MAX) { \
            turn();                             \
            if (++turns_ > 50)                  \
                usleep(20);                     \
        }                                       \
        CHECK(cond);                            \
    } while (0)

static __attribute__((unused)) void turns(int n)
{
    while (n-- > 0)
        turn();
}

/* All deadlines up to `ms` from now run. */
static __attribute__((unused)) void pass(uint64_t ms)
{
    turns(3);
    net.skew_ms += ms + 3 * WHEEL_TICK_MS;
    turns(3);
}

static void add(struct route_table *t, enum http_method method, const char *pattern, int handler, size_t body_max, bool json)
{
    char err[200];
    struct route spec = {
        .method = method, .pattern = slice_str(pattern), .handler = handler, .body_bytes_max = body_max, .json_body = json};
    if (route_add(t, &spec, err, sizeof err) != 0)
        abort();
}

static void add_closed(struct route_table *t)
{
    char err[200];
    struct route spec = {.method = METHOD_POST,
                         .pattern = SLICE_LIT("/closed"),
                         .handler = H_LENGTH,
                         .auth = ROUTE_AUTH_USER,
                         .json_body = true,
                         .body_bytes_max = 1000};
    if (route_add(t, &spec, err, sizeof err) != 0)
        abort();
}

static void add_routes(void)
{
    struct route_table *t = route_table_new(NULL, NULL);
    add(t, METHOD_GET, "/hello", H_HELLO, 0, false);
    add(t, METHOD_GET, "/wait", H_WAIT, 0, false);
    add(t, METHOD_POST, "/wait", H_WAIT, 0, false);
    add(t, METHOD_GET, "/wait/{id}", H_WAIT, 0, false);
    add(t, METHOD_POST, "/length", H_LENGTH, 0, false);
    add(t, METHOD_POST, "/small", H_LENGTH, 10, false);
    add(t, METHOD_POST, "/json", H_LENGTH, 0, true);
    add_closed(t);
    add(t, METHOD_GET, "/big", H_BIG, 0, false);
    add(t, METHOD_GET, "/close", H_CLOSE, 0, false);
    add(t, METHOD_GET, "/error", H_ERROR, 0, false);
    add(t, METHOD_GET, "/answer", H_ANSWER, 0, false);
    add(t, METHOD_POST, "/cancel", H_CANCEL, 0, false);
    server_set_routes(net.server, t);
    route_table_unref(t);
}

static void net_open_with(bool access_log, const struct limits *limits)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sizeof net.address;
    memset(&net, 0, sizeof net);
    signal(SIGPIPE, SIG_IGN); /* as every process of ours does */
    net.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    net.limits = *limits;
    net.big = malloc(BIG_BYTES);
    memset(net.big, 'x', BIG_BYTES);
    if (uv_loop_init(&net.loop) != 0 || bind(fd, (struct sockaddr *)&net.address, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&net.address, &n) != 0)
        abort();
    wheel_init(&net.wheel, uv_now(&net.loop));
    net.server = server_new(&(struct server_opts){.loop = &net.loop,
                                                  .wheel = &net.wheel,
                                                  .limits = &net.limits,
                                                  .app = {.admit = app_admit, .start = app_start, .cancel = app_cancel},
                                                  .access_log = access_log});
    add_routes();
    if (server_listen(net.server, fd) != 0)
        abort();
}

static __attribute__((unused)) void net_open(void)
{
    net_open_with(false, &limits_default);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static __attribute__((unused)) void answer_waiting(int i)
{
    response_send(net.waiting[i], &(struct response){.status = 200, .body = SLICE_LIT("\"late\"")});
}

static void client_drop(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Ends with nothing left: no handle on the loop, no timer on the wheel. */
static void net_close(void)
{
    server_close(net.server, note_closed, &net.closed);
    UNTIL(net.closed);
    CHECK_INT(uv_run(&net.loop, UV_RUN_NOWAIT), 0);
    CHECK_INT(uv_loop_close(&net.loop), 0);
    CHECK_INT(net.wheel.count, 0);
    for (int i = 0; i < net.client_count; i++) {
        client_drop(&net.clients[i]);
        buf_free(&net.clients[i].got);
    }
    buf_free(&net.seen);
    free(net.big);
}

static struct client *client_open(void)
{
    struct client *c = &net.clients[net.client_count++];
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* what is sent is there in the next turn */
    if (connect(c->fd, (struct sockaddr *)&net.address, sizeof net.address) != 0)
        abort();
    return c;
}

/* What the kernel does not take is sent while the server reads. */
static void client_send(struct client *c, const char *p, size_t n)
{
    for (int tries = 0; n > 0 && tries < TURNS_MAX && !c->reset; tries++) {
        ssize_t sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            p += sent, n -= (size_t)sent;
        else if (errno != EAGAIN)
            c->reset = true;
        turn();
    }
}

static __attribute__((unused)) void client_say(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

static const char *find(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);
    for (; p != NULL && (size_t)(end - p) >= n; p++) {
        p = memchr(p, text[0], (size_t)(end - p) - n + 1);
        if (p == NULL || memcmp(p, text, n) == 0)
            return p;
    }
    return NULL;
}

static unsigned count_of(const struct client *c, const char *text)
{
    unsigned count = 0;
    if (c->got.n == 0)
        return 0;
    for (const char *p = c->got.p, *end = p + c->got.n; (p = find(p, end, text)) != NULL; p++)
        count++;
    return count;
}
#define HAS(c, text) (count_of((c), (text)) > 0)

#define HOST "Host: a\r\n"
#define GET_HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define GET_ANSWER "GET /answer HTTP/1.1\r\n" HOST "\r\n"
#define GET_WAIT "GET /wait HTTP/1.1\r\n" HOST "\r\n"
#endif
