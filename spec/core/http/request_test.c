#include "core/http/request.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

static void note_call(void *arg)
{
    (*(int *)arg)++;
}

TEST("what one request had does not reach the next one that uses its memory")
{
    int deferred = 0;
    net_open();
    struct request *first = request_acquire(net.server);
    first->base = "abc";
    first->body = SLICE_LIT("hello");
    first->user_id = SLICE_LIT("u-1");
    first->task = first;
    first->id_n = 3;
    first->started = first->cancelled = first->answered = first->headless = true;
    buf_lit(&first->log_fields, ",\"a\":1");
    buf_lit(&first->body_copy, "hello");
    arena_defer(&first->arena, note_call, &deferred);
    request_release(first);
    CHECK_INT(deferred, 1);
    struct request *second = request_acquire(net.server);
    CHECK(second == first);
    CHECK(second->conn == NULL && second->base == NULL && second->match.route == NULL && second->table == NULL);
    CHECK(second->body.n == 0 && second->user_id.n == 0 && second->task == NULL && second->id_n == 0);
    CHECK(!second->started && !second->cancelled && !second->answered && !second->headless);
    CHECK(second->log_fields.n == 0 && second->body_copy.n == 0 && second->head_copy.n == 0);
    request_release(second);
    net_close();
}

TEST("a request that held a large body keeps none of its memory")
{
    net_open();
    struct request *req = request_acquire(net.server);
    buf_reserve(&req->body_copy, 1 << 20);
    buf_reserve(&req->head_copy, 100);
    request_release(req);
    CHECK(req->body_copy.cap == 0 && req->head_copy.cap >= 100);
    net_close();
}

TEST("only so many requests are kept for later")
{
    enum { MANY = REQUESTS_KEPT_MAX + 10 };
    struct request *many[MANY];
    net_open();
    for (int i = 0; i < MANY; i++)
        many[i] = request_acquire(net.server);
    CHECK_INT(net.server->live, MANY);
    for (int i = 0; i < MANY; i++)
        request_release(many[i]);
    CHECK_INT(net.server->live, 0);
    CHECK_INT(net.server->requests_free_count, REQUESTS_KEPT_MAX);
    net_close();
}

TEST("owning twice copies once")
{
    char head[] = "GET /a HTTP/1.1\r\n\r\n", body[] = "hello";
    net_open();
    struct request *req = request_acquire(net.server);
    req->base = head;
    req->head.bytes = sizeof head - 1;
    req->body = slice_of(body, 5);
    request_own(req);
    memset(head, 'x', sizeof head);
    memset(body, 'x', sizeof body);
    request_own(req);
    CHECK_STR(req->base, req->head.bytes, "GET /a HTTP/1.1\r\n\r\n");
    CHECK_STR(req->body.p, req->body.n, "hello");
    request_release(req);
    net_close();
}

TEST("an id is 1 to 128 letters, digits, dots, underscores and hyphens")
{
    char long_id[130];
    memset(long_id, 'a', sizeof long_id);
    CHECK(is_id(SLICE_LIT("a")) && is_id(SLICE_LIT("aZ.09_-")) && is_id(slice_of(long_id, 128)));
    CHECK(!is_id(SLICE_LIT("")) && !is_id(slice_of(long_id, 129)));
    CHECK(!is_id(SLICE_LIT("a b")) && !is_id(SLICE_LIT("a\"")) && !is_id(SLICE_LIT("\xc3\xa9")) && !is_id(SLICE_LIT("a/b")));
}

TEST("a head that could not be read has nothing to ask about")
{
    net_open();
    struct request *req = request_acquire(net.server);
    req->headless = true;
    req->head.known[HEADER_HOST] = 1;
    CHECK(request_header(req, HEADER_HOST).n == 0 && request_header_named(req, SLICE_LIT("host")).n == 0);
    CHECK(request_path(req).n == 0 && request_query(req).n == 0);
    request_own(req);
    request_release(req);
    net_close();
}
