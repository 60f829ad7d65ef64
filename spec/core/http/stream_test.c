#include "core/http/stream.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

enum { PIECE_BYTES = 64 * 1024 };
static struct stream *stream; /* the test's, as its owner */
static int drains, gones;

static void on_drain(void *arg)
{
    (void)arg;
    drains++;
}

/* What every owner does at the latest here. */
static void on_gone(void *arg)
{
    (void)arg;
    gones++;
    stream_end(stream, STREAM_LEFT);
    stream = NULL;
}

static const struct stream_owner owner = {on_drain, on_gone, NULL};
static const struct response head = {.status = 200, .content_type = {"text/plain", 10}};

static void begin(struct client *c, const char *request)
{
    int before = net.waiting_count;
    drains = gones = 0;
    client_say(c, request);
    UNTIL(net.waiting_count == before + 1);
    stream = stream_open(net.waiting[before], &head, &owner);
}

static enum stream_status say(const char *text)
{
    return stream_write(stream, slice_str(text));
}

static void end(enum stream_end how)
{
    stream_end(stream, how);
    stream = NULL;
}

/* Writes until no more is taken; returns how many bytes were. */
static size_t fill(void)
{
    size_t n = 0;
    while (stream_write(stream, slice_of(net.big, PIECE_BYTES)) == STREAM_OK)
        n += PIECE_BYTES;
    return n;
}

TEST("pieces go out as chunks as they are written, and the connection goes on to the next request")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT GET_HELLO);
    UNTIL(HAS(c, "\r\n\r\n"));
    CHECK(HAS(c, "HTTP/1.1 200 OK\r\n") && HAS(c, "Transfer-Encoding: chunked\r\n") &&
          HAS(c, "Content-Type: text/plain\r\n"));
    CHECK(!HAS(c, "Content-Length") && !HAS(c, "Connection: close"));
    CHECK_INT(say("hello"), STREAM_OK);
    UNTIL(HAS(c, "\r\n\r\n5\r\nhello\r\n"));
    CHECK_INT(say(""), STREAM_OK);
    CHECK_INT(say("a piece of 26 bytes length"), STREAM_OK);
    UNTIL(HAS(c, "hello\r\n1a\r\na piece of 26 bytes length\r\n"));
    turns(5);
    CHECK(!HAS(c, "\"hello\"")); /* the next request waits for its turn */
    CHECK_INT(server_counts(net.server)->streams, 1);
    end(STREAM_DONE);
    UNTIL(HAS(c, "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n") && HAS(c, "\"hello\""));
    CHECK_INT(server_counts(net.server)->streams, 0);
    CHECK_INT(net.cancelled, 0);
    net_close();
}

TEST("to HTTP/1.0 the pieces go as they are, and the end of the connection ends them")
{
    net_open();
    struct client *c = client_open();
    begin(c, "GET /wait HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK_INT(say("one "), STREAM_OK);
    CHECK_INT(say("two"), STREAM_OK);
    end(STREAM_DONE);
    UNTIL(c->eof);
    CHECK(HAS(c, "Connection: close\r\n") && !HAS(c, "Transfer-Encoding") && HAS(c, "\r\n\r\none two"));
    net_close();
}

TEST("HEAD has the head of a stream, and no length")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "HEAD /wait HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(net.waiting_count == 1);
    struct response res = head;
    res.streamed = true;
    response_send(net.waiting[0], &res);
    UNTIL(HAS(c, "\r\n\r\n"));
    CHECK(HAS(c, "Transfer-Encoding: chunked\r\n") && !HAS(c, "Content-Length"));
    client_say(c, GET_HELLO);
    UNTIL(HAS(c, "\"hello\""));
    net_close();
}

TEST("a slow client fills the queue to its limit, is told when there is room, and gets every byte")
{
    net_open();
    struct client *c = client_open(), quiet = *c;
    begin(c, GET_WAIT);
    UNTIL(HAS(c, "\r\n\r\n"));
    net.clients[0].eof = true; /* turn() does not read it */
    size_t n = fill();
    CHECK(stream_queued(stream) <= STREAM_QUEUE_MAX && stream_queued(stream) > STREAM_QUEUE_MAX - 2 * PIECE_BYTES);
    turns(20);
    CHECK_INT(drains, 0);
    CHECK_INT(say("x"), STREAM_OK); /* a small one still fits */
    net.clients[0].eof = false;
    UNTIL(drains == 1);
    CHECK(stream_queued(stream) <= STREAM_LOW_BYTES);
    CHECK_INT(say("the end"), STREAM_OK);
    end(STREAM_DONE);
    UNTIL(HAS(c, "\r\n7\r\nthe end\r\n0\r\n\r\n"));
    CHECK_INT(count_of(c, "\r\n10000\r\n"), n / PIECE_BYTES);
    CHECK(c->got.n > n && quiet.fd == c->fd);
    net_close();
}

TEST("a queue that is given a limit of its own keeps to it")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    net.clients[0].eof = true;
    stream_queue_max(stream, PIECE_BYTES + 1000);
    fill();
    CHECK(stream_queued(stream) <= PIECE_BYTES + 1000);
    end(STREAM_SLOW); /* cut off, with what is queued */
    net.clients[0].eof = false;
    UNTIL(c->eof || c->reset);
    CHECK(!HAS(c, "\r\n0\r\n\r\n"));
    net_close();
}

TEST("a client that leaves is noticed, once, and not from inside a write")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    client_drop(c);
    UNTIL(gones == 1);
    CHECK_INT(net.cancelled, 1); /* its request was not over */
    turns(5);
    CHECK_INT(gones, 1);

    struct client *d = client_open();
    begin(d, GET_WAIT);
    stream_detach(stream);
    client_drop(d);
    while (stream != NULL && say("x") == STREAM_OK)
        turn();
    UNTIL(gones == 1);
    CHECK_INT(net.cancelled, 1); /* its request was */
    CHECK(stream == NULL);
    net_close();
}

TEST("a detached stream has let its request go, and keeps its routes")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    struct route_table *t = stream->req->table;
    CHECK_INT(server_counts(net.server)->active, 1);
    stream_detach(stream);
    CHECK_INT(server_counts(net.server)->active, 0);
    CHECK_INT(net.server->requests_free_count, 1);
    CHECK(stream->table == t);
    CHECK_INT(say("later"), STREAM_OK);
    UNTIL(HAS(c, "\r\n5\r\nlater\r\n"));
    pass(10 * 60 * 1000); /* it has no deadline while nothing is queued */
    CHECK(!c->eof && gones == 0);
    end(STREAM_DONE);
    client_say(c, GET_HELLO);
    UNTIL(HAS(c, "\r\n0\r\n\r\n") && HAS(c, "\"hello\""));
    net_close();
}

TEST("an owner that asks for a turn has one, once, from the loop")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    stream_turn(stream);
    stream_turn(stream);
    CHECK_INT(drains, 0);
    UNTIL(drains == 1);
    turns(5);
    CHECK_INT(drains, 1);
    stream_turn(stream);
    end(STREAM_DONE); /* nobody is there to have it */
    UNTIL(HAS(c, "\r\n0\r\n\r\n"));
    CHECK_INT(drains, 1);
    net_close();
}

TEST("an answer that failed ends without its last chunk, or with a reset for HTTP/1.0")
{
    net_open();
    struct client *c = client_open(), *d = client_open();
    begin(c, GET_WAIT);
    CHECK_INT(say("half"), STREAM_OK);
    end(STREAM_FAILED);
    UNTIL(c->eof);
    CHECK(HAS(c, "\r\n4\r\nhalf\r\n") && !HAS(c, "\r\n0\r\n\r\n") && !c->reset);
    begin(d, "GET /wait HTTP/1.0\r\n\r\n");
    CHECK_INT(say("half"), STREAM_OK);
    UNTIL(HAS(d, "half"));
    end(STREAM_FAILED);
    UNTIL(d->reset);
    net_close();
}

TEST("a client that takes nothing for send_ms is given up, and one that takes a little is not")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    stream_detach(stream);
    UNTIL(HAS(c, "\r\n\r\n"));
    c->eof = true;
    fill();
    pass(net.limits.send_ms / 2);
    CHECK_INT(gones, 0);
    c->eof = false;
    UNTIL(drains == 1);
    c->eof = true;
    fill();
    for (int i = 0; i < 3; i++)
        pass(net.limits.send_ms / 4 + 1);
    CHECK_INT(gones, 0);
    for (int i = 0; i < 3; i++)
        pass(net.limits.send_ms / 4 + 1);
    UNTIL(gones == 1);
    net_close();
}

TEST("the access line of a stream is written at its end, with its bytes and how it ended")
{
    char name[] = "/tmp/stream_test.XXXXXX", lines[4096] = "";
    int file = mkstemp(name);
    unlink(name);
    log_open(file, LOG_INFO);
    net_open_with(true, &limits_default);
    struct client *c = client_open(), *d = client_open();
    begin(c, "GET /wait/7 HTTP/1.1\r\n" HOST "X-Request-ID: abc\r\n\r\n");
    net.waiting[0]->user_id = SLICE_LIT("u-1");
    stream_detach(stream);
    CHECK_INT(say("hello"), STREAM_OK);
    log_flush();
    CHECK_INT(pread(file, lines, sizeof lines - 1, 0), 0);
    end(STREAM_DONE);
    begin(d, GET_WAIT);
    client_drop(d);
    UNTIL(gones == 1);
    log_flush();
    CHECK(pread(file, lines, sizeof lines - 1, 0) > 0);
    CHECK(strstr(lines, "\"method\":\"GET\",\"path\":\"/wait/7\",\"status\":200,\"latency_ms\":"));
    CHECK(strstr(lines,
                 "\"bytes\":5,\"request_id\":\"abc\",\"route\":\"/wait/{id}\",\"user_id\":\"u-1\",\"ip\":\"127.0.0.1\"}"));
    CHECK(strstr(lines, "\"bytes\":0,\"end\":\"left\""));
    net_close();
    log_open(1, LOG_INFO);
    close(file);
}

TEST("during a drain a stream may end in its own time, and closes its connection")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    stream_detach(stream);
    server_drain(net.server, note_closed, &net.drained);
    pass(DRAIN_IDLE_MS);
    CHECK(!net.drained && say("bye") == STREAM_OK);
    end(STREAM_DONE);
    UNTIL(c->eof);
    CHECK(HAS(c, "\r\n3\r\nbye\r\n0\r\n\r\n"));
    client_drop(c);
    UNTIL(net.drained);
    net_close();
}

TEST("a server that closes waits for the owners of its streams")
{
    net_open();
    struct client *c = client_open();
    begin(c, GET_WAIT);
    stream_detach(stream);
    UNTIL(HAS(c, "\r\n\r\n"));
    net_close();
    CHECK_INT(gones, 1);
}
