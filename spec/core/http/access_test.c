#include "core/http/access.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

static int file;
static char lines[8192];

static void open_log(void)
{
    char name[] = "/tmp/access_test.XXXXXX";
    file = mkstemp(name);
    unlink(name);
    log_open(file, LOG_INFO);
    net_open_with(true, &limits_default);
}

/* What was logged so far. */
static const char *logged(void)
{
    log_flush();
    ssize_t n = pread(file, lines, sizeof lines - 1, 0);
    lines[n > 0 ? n : 0] = 0;
    return lines;
}

static void close_log(void)
{
    net_close();
    log_open(1, LOG_INFO);
    close(file);
}

static bool has(const char *text)
{
    return strstr(logged(), text) != NULL;
}

TEST("each answer has one line that tells who asked what and how it ended")
{
    open_log();
    struct client *c = client_open();
    client_say(c, "GET /wait/7?secret=1 HTTP/1.1\r\n" HOST "X-Request-ID: abc\r\n\r\n");
    UNTIL(net.waiting_count == 1);
    CHECK(!has("\"message\":\"request\""));
    net.waiting[0]->user_id = SLICE_LIT("u-1");
    buf_lit(&net.waiting[0]->log_fields, ",\"task_id\":7");
    answer_waiting(0);
    CHECK(has("\"level\":\"info\",\"message\":\"request\",\"module\":\"http\",\"method\":\"GET\",\"path\":\"/wait/"
              "7\",\"status\":200,"
              "\"latency_ms\":"));
    CHECK(has("\"bytes\":6,\"request_id\":\"abc\",\"route\":\"/wait/"
              "{id}\",\"user_id\":\"u-1\",\"ip\":\"127.0.0.1\",\"task_id\":7}\n"));
    CHECK(!has("secret"));
    close_log();
}

TEST("the time that a request took starts at its first byte")
{
    open_log();
    struct client *c = client_open();
    client_say(c, "GET /hello HTTP/1.1\r\n");
    UNTIL(server_counts(net.server)->bytes_in > 0);
    usleep(20000);
    client_say(c, HOST "\r\n");
    UNTIL(HAS(c, "200 OK"));
    const char *latency = strstr(logged(), "\"latency_ms\":");
    CHECK(latency != NULL && atof(latency + strlen("\"latency_ms\":")) >= 20);
    close_log();
}

TEST("answers without a route are logged too, unreadable heads without a path")
{
    open_log();
    struct client *a = client_open(), *b = client_open();
    client_say(a, "POST /nobody HTTP/1.1\r\n" HOST "\r\n");
    client_say(b, "GET / HTTP/1.1\r\n\r\n");
    UNTIL(HAS(a, "404") && HAS(b, "400"));
    CHECK(has("\"method\":\"POST\",\"path\":\"/nobody\",\"status\":404,"));
    CHECK(has("\"module\":\"http\",\"status\":400,") && has("\"reason\":\"no Host header\"}\n"));
    CHECK(!has("\"route\""));
    close_log();
}

TEST("a client that left first is a 499")
{
    open_log();
    struct client *a = client_open(), *b = client_open();
    client_say(a, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    client_drop(a);
    UNTIL(net.cancelled == 1);
    CHECK(!has("499")); /* it is not over yet */
    answer_waiting(0);
    CHECK(has("\"path\":\"/wait\",\"status\":499,"));
    client_say(b, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
    UNTIL(server_counts(net.server)->active == 1);
    server_cancel_all(net.server);
    CHECK(has("\"path\":\"/length\",\"status\":499,"));
    close_log();
}
