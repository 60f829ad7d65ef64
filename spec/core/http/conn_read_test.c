#include "core/http/conn_read.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

TEST("a request may come byte by byte, with a sized or a chunked body")
{
    static const char text[] =
        "POST /length?a=b HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
        "POST /length HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"
        "\r\n" GET_HELLO;
    net_open();
    struct client *c = client_open();
    for (size_t i = 0; i < sizeof text - 1; i++)
        client_send(c, text + i, 1);
    UNTIL(count_of(c, "\"hello\"") == 3);
    CHECK_STR(net.seen.p, net.seen.n, "POST /length 5;POST /length 6;GET /hello 0;");
    net_close();
}

TEST("pipelined requests are answered in their order, all of one read in one write")
{
    net_open();
    struct client *c = client_open();
    uint64_t before = server_counts(net.server)->bytes_out;
    client_say(c, GET_HELLO "GET /error HTTP/1.1\r\n" HOST "\r\n"
                            "GET /nobody HTTP/1.1\r\n" HOST "\r\n" GET_HELLO);
    UNTIL(count_of(c, "HTTP/1.1 ") == 4);
    const char *end = c->got.p + c->got.n, *first = find(c->got.p, end, " 200 "), *second = find(c->got.p, end, " 409 "),
               *third = find(c->got.p, end, " 404 ");
    CHECK(first != NULL && first < second && second < third);
    CHECK_INT(server_counts(net.server)->bytes_out - before, c->got.n);
    net_close();
}

TEST("one request of a connection runs at a time, and the next waits for its answer")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT GET_HELLO GET_WAIT GET_HELLO);
    UNTIL(net.waiting_count == 1);
    turns(10);
    CHECK_INT(net.started, 1);
    answer_waiting(0);
    CHECK_INT(net.started, 1); /* not from inside the answer */
    UNTIL(net.waiting_count == 2);
    CHECK_INT(count_of(c, "HTTP/1.1 200"), 2);
    client_say(c, GET_HELLO);
    answer_waiting(1);
    UNTIL(count_of(c, "HTTP/1.1 200") == 5);
    CHECK_INT(net.started, 5);
    net_close();
}

TEST("a thousand pipelined requests neither recurse nor get lost")
{
    struct buf all = BUF_INIT;
    net_open();
    struct client *c = client_open();
    for (int i = 0; i < 1000; i++)
        buf_lit(&all, GET_HELLO);
    client_send(c, all.p, all.n);
    UNTIL(count_of(c, "\"hello\"") == 1000);
    buf_free(&all);
    net_close();
}

TEST("a flood behind a request that runs is kept up to a bound, and goes on after it")
{
    enum { FLOOD = 40000 };
    struct buf all = BUF_INIT;
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    for (int i = 0; i < FLOOD; i++)
        buf_lit(&all, GET_HELLO);
    size_t sent = 0;
    for (int i = 0; i < 500; i++) {
        ssize_t n = send(c->fd, all.p + sent, all.n - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        turn();
    }
    struct conn *conn = LIST_OF(list_first(&net.server->conns), struct conn, link);
    CHECK(!conn->reading && conn->in.n == KEPT_BYTES_MAX);
    answer_waiting(0);
    client_send(c, all.p + sent, all.n - sent);
    UNTIL(count_of(c, "\"hello\"") == FLOOD);
    CHECK(conn->reading);
    buf_free(&all);
    net_close();
}

TEST("a client that does not read its answers gets no more of them, and is closed after a while")
{
    struct buf all = BUF_INIT;
    net_open();
    struct client *c = client_open();
    for (int i = 0; i < 3; i++)
        buf_lit(&all, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    if (send(c->fd, all.p, all.n, 0) != (ssize_t)all.n)
        abort();
    c->eof = true; /* turn() leaves its bytes in the kernel */
    UNTIL(net.started == 1);
    turns(20);
    CHECK_INT(net.started, 1);
    pass(net.limits.send_ms / 2);
    turns(20);
    CHECK_INT(server_counts(net.server)->connections, 1);
    for (int i = 0; i < 5; i++)
        pass(net.limits.send_ms / 4);
    UNTIL(server_counts(net.server)->connections == 0);
    buf_free(&all);
    net_close();
}

TEST("a slow reader gets all of a large answer, and then the next one")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /big HTTP/1.1\r\n" HOST "\r\n" GET_HELLO);
    for (int i = 0; i < 20; i++)
        pass(net.limits.send_ms / 5); /* turn() reads a little each time */
    CHECK(c->got.n < BIG_BYTES || HAS(c, "\"hello\""));
    UNTIL(HAS(c, "\"hello\""));
    CHECK(c->got.n > BIG_BYTES && c->got.n < BIG_BYTES + 1000);
    net_close();
}
