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
    buf_lit(&all, "GET /hello?odd HTTP/1.1\r\n" HOST "\r\n"); /* so that what is kept ends within a head */
    for (int i = 1; i < FLOOD; i++)
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

TEST("a body that was cut in two by the bound is read to its end")
{
    enum { BODY = 5 * KEPT_BYTES_MAX };
    struct buf all = BUF_INIT;
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    buf_printf(&all, "POST /length HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n%0*d", BODY, BODY, 0);
    client_send(c, all.p, all.n);
    struct conn *conn = LIST_OF(list_first(&net.server->conns), struct conn, link);
    UNTIL(!conn->reading);
    answer_waiting(0);
    UNTIL(HAS(c, "\"hello\""));
    CHECK_STR(net.seen.p, net.seen.n, "GET /wait 0;POST /length 81920;");
    buf_free(&all);
    net_close();
}

static void send_now(struct client *c, const char *text)
{
    if (send(c->fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        abort();
}

TEST("an answer given while another connection is served reaches its own client")
{
    net_open();
    struct client *a = client_open(), *b = client_open();
    client_say(a, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    client_say(b, GET_HELLO GET_ANSWER GET_HELLO);
    UNTIL(count_of(b, "HTTP/1.1 ") == 3 && HAS(a, "\"late\""));
    CHECK(count_of(a, "HTTP/1.1 ") == 1 && count_of(b, "\"hello\"") == 2 && HAS(b, "\"done\""));
    net_close();
}

TEST("a connection that has a turn coming may be fed and answered before that")
{
    net_open();
    struct client *a = client_open(), *b = client_open(), *c = client_open(), *d = client_open();
    turns(5);
    client_say(a, GET_WAIT GET_WAIT);
    UNTIL(net.waiting_count == 1);
    client_say(d, GET_WAIT GET_HELLO);
    UNTIL(net.waiting_count == 2);
    turns(3);
    /* All of this is read in one turn of the loop, and as a rule in this order: a and d are to go on, a does so at once
     * and is answered again. */
    send_now(b, GET_ANSWER GET_ANSWER);
    send_now(a, GET_HELLO);
    send_now(c, GET_ANSWER);
    turns(5);
    if (net.answered < 3)
        client_say(c, GET_ANSWER);
    UNTIL(count_of(a, "\"late\"") == 2 && HAS(a, "\"hello\"") && HAS(d, "\"hello\""));
    CHECK(list_is_empty(&net.server->ready));
    net_close();
}

TEST("what comes after the last request of a connection is not kept while its answer is sent")
{
    net_open();
    struct client *c = client_open();
    send_now(c, "GET /big HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    c->eof = true; /* turn() leaves its bytes in the kernel */
    UNTIL(net.started == 1);
    struct conn *conn = LIST_OF(list_first(&net.server->conns), struct conn, link);
    CHECK_INT(conn->state, CONN_SEND);
    for (int i = 0; i < 100; i++) {
        send_now(c, GET_HELLO);
        turn();
    }
    CHECK(conn->in.p == NULL && net.started == 1);
    c->eof = false;
    UNTIL(c->eof);
    CHECK(!c->reset && c->got.n > BIG_BYTES && count_of(c, "HTTP/1.1 ") == 1);
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
