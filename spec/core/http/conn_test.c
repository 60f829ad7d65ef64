#include "core/http/conn.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

TEST("a request is answered and the connection kept")
{
    net_open();
    struct client *c = client_open();
    for (unsigned i = 1; i <= 3; i++) {
        client_say(c, GET_HELLO);
        UNTIL(count_of(c, "\"hello\"") == i);
    }
    CHECK_INT(count_of(c, "HTTP/1.1 200 OK\r\nDate: "), 3);
    CHECK_INT(count_of(c, "\r\nContent-Length: 7\r\n"), 3);
    CHECK(!HAS(c, "Connection:") && !c->eof);
    CHECK_INT(server_counts(net.server)->idle, 1);
    CHECK_INT(server_counts(net.server)->requests, 3);
    net_close();
}

TEST("an idle connection is small and holds no buffer and no request")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /hello HTTP/1.1\r\nHo");
    client_say(c, "st: a\r\n\r\n");
    UNTIL(HAS(c, "\"hello\""));
    struct conn *conn = LIST_OF(list_first(&net.server->conns), struct conn, link);
    CHECK(conn->in.p == NULL && conn->req == NULL && conn->state == CONN_IDLE);
    CHECK(sizeof *conn < sizeof(uv_tcp_t) + 256);
    CHECK_INT(net.server->live, 0);
    net_close();
}

TEST("a client that says nothing is hung up on without a word")
{
    net_open();
    struct client *c = client_open();
    turns(3);
    pass(net.limits.head_ms / 2);
    CHECK(!c->eof);
    pass(net.limits.head_ms / 2);
    UNTIL(c->eof);
    CHECK_INT(c->got.n, 0);
    net_close();
}

TEST("a head that takes too long is answered 408")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /hello HT");
    pass(net.limits.head_ms / 2);
    client_say(c, "TP/1.1\r\n"); /* a byte now and then wins no time */
    pass(net.limits.head_ms / 2);
    UNTIL(c->eof);
    CHECK_INT(count_of(c, "HTTP/1.1 408 "), 1);
    CHECK(HAS(c, "\"code\":\"request_timeout\"") && HAS(c, "Connection: close\r\n"));
    net_close();
}

TEST("the lone empty line that old clients send after a body is no request")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi\r\n");
    UNTIL(HAS(c, "\"hello\""));
    c->got.n = 0;
    pass(net.limits.head_ms);
    UNTIL(c->eof);
    CHECK_INT(c->got.n, 0);
    net_close();
}

TEST("a body that takes too long is answered 408")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhel");
    pass(net.limits.head_ms);
    CHECK(!c->eof);
    pass(net.limits.body_ms);
    UNTIL(c->eof);
    CHECK_INT(count_of(c, "HTTP/1.1 408 "), 1);
    CHECK_INT(net.started, 0);
    net_close();
}

TEST("an idle connection is closed after the keep-alive time, and a request starts that anew")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_HELLO);
    pass(net.limits.keepalive_ms - 5000);
    client_say(c, GET_HELLO);
    UNTIL(count_of(c, "\"hello\"") == 2);
    pass(net.limits.keepalive_ms - 5000);
    CHECK(!c->eof);
    pass(5000);
    UNTIL(c->eof);
    net_close();
}

TEST("a request that runs is not hurried by the connection")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    pass(net.limits.keepalive_ms * 10);
    CHECK(!c->eof && net.cancelled == 0);
    answer_waiting(0);
    UNTIL(HAS(c, "\"late\""));
    pass(net.limits.keepalive_ms - 5000);
    CHECK(!c->eof);
    net_close();
}

TEST("a client that leaves while its request runs is noticed, and the late answer goes nowhere")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    UNTIL(net.waiting_count == 1);
    client_drop(c);
    UNTIL(net.cancelled == 1);
    CHECK_INT(server_counts(net.server)->connections, 0);
    struct request *req = net.waiting[0];
    CHECK(req->cancelled && req->conn == NULL);
    CHECK_STR(req->body.p, req->body.n, "hi");
    CHECK(slice_eq(request_header(req, HEADER_HOST), SLICE_LIT("a")));
    answer_waiting(0);
    CHECK_INT(net.server->live, 0);
    CHECK_INT(net.cancelled, 1);
    net_close();
}

TEST("a client that resets the connection is noticed")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_WAIT);
    UNTIL(net.waiting_count == 1);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    client_drop(c);
    UNTIL(net.cancelled == 1);
    answer_waiting(0);
    net_close();
}

TEST("a request that was cut off is answered 400 to whom it may reach")
{
    net_open();
    struct client *head = client_open(), *body = client_open();
    client_say(head, "GET /hello HTTP/1.1\r\nHo");
    shutdown(head->fd, SHUT_WR);
    UNTIL(head->eof);
    CHECK_INT(count_of(head, "HTTP/1.1 400 "), 1);
    client_say(body, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhel");
    shutdown(body->fd, SHUT_WR);
    UNTIL(body->eof);
    CHECK_INT(count_of(body, "HTTP/1.1 400 "), 1);
    CHECK_INT(net.started, 0);
    net_close();
}

TEST("what was sent in full before the client ended its side is answered")
{
    net_open();
    struct client *c = client_open();
    client_say(c, GET_HELLO GET_HELLO);
    shutdown(c->fd, SHUT_WR);
    UNTIL(c->eof);
    CHECK_INT(count_of(c, "\"hello\""), 2);
    net_close();
}

TEST("a client that ended its side gets the whole of a large answer, and then the connection ends")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    shutdown(c->fd, SHUT_WR);
    UNTIL(c->got.n > BIG_BYTES);
    UNTIL(c->eof);
    CHECK_INT(server_counts(net.server)->connections, 0);
    net_close();
}

TEST("a request that is cancelled inside start() keeps its bytes")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "POST /cancel HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    UNTIL(net.waiting_count == 1 && c->eof);
    CHECK_INT(net.cancelled, 1);
    struct client *d = client_open();
    client_say(d, "POST /length HTTP/1.1\r\n" HOST "X-Other-Bytes: yes\r\nContent-Length: 5\r\n\r\nHELLO");
    UNTIL(HAS(d, "200 OK"));
    CHECK(slice_eq(net.waiting[0]->body, SLICE_LIT("hello")));
    CHECK(slice_eq(request_path(net.waiting[0]), SLICE_LIT("/cancel")));
    answer_waiting(0);
    net_close();
}

TEST("after Connection: close, and after HTTP/1.0, the connection is closed")
{
    net_open();
    struct client *asked = client_open(), *old = client_open(), *kept = client_open();
    client_say(asked, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET_HELLO);
    UNTIL(asked->eof);
    CHECK_INT(count_of(asked, "\"hello\""), 1);
    CHECK(HAS(asked, "Connection: close\r\n"));
    client_say(old, "GET /hello HTTP/1.0\r\n\r\n");
    UNTIL(old->eof);
    CHECK(HAS(old, "\"hello\""));
    client_say(kept, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    UNTIL(HAS(kept, "Connection: keep-alive\r\n"));
    turns(20);
    CHECK(!kept->eof);
    net_close();
}

TEST("a connection that the app ends tells the client and waits for its end")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /close HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(c->eof);
    CHECK(HAS(c, "Connection: close\r\n") && HAS(c, "\"bye\""));
    CHECK_INT(server_counts(net.server)->connections, 1);
    client_say(c, GET_HELLO); /* crossed the answer on its way: no reset */
    turns(20);
    CHECK(!c->reset);
    client_drop(c);
    UNTIL(server_counts(net.server)->connections == 0);
    net_close();
}

TEST("a lingering connection ends by itself")
{
    net_open();
    struct client *c = client_open();
    client_say(c, "GET /close HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(c->eof);
    for (int i = 0; i < 2 * LINGER_MS / LINGER_QUIET_MS && server_counts(net.server)->connections > 0; i++) {
        client_say(c, "x");
        pass(LINGER_QUIET_MS / 2);
    }
    CHECK_INT(server_counts(net.server)->connections, 0);
    net_close();
}
