#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"

#include <arpa/inet.h>

enum { PEER_UNKNOWN, PEER_NONE, PEER_V4, PEER_V6 };

/* Asked once per connection, and only when somebody logs. */
static void learn_peer(struct conn *c)
{
    struct sockaddr_storage address;
    int n = sizeof address;
    c->peer_kind = PEER_NONE;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &n) != 0)
        return;
    if (address.ss_family == AF_INET) {
        c->peer_kind = PEER_V4;
        memcpy(c->peer, &((struct sockaddr_in *)&address)->sin_addr, 4);
    } else if (address.ss_family == AF_INET6) {
        c->peer_kind = PEER_V6;
        memcpy(c->peer, &((struct sockaddr_in6 *)&address)->sin6_addr, 16);
    }
}

static void log_peer(struct log_line *l, struct conn *c)
{
    char text[INET6_ADDRSTRLEN];
    if (c->peer_kind == PEER_UNKNOWN)
        learn_peer(c);
    if (c->peer_kind != PEER_NONE)
        log_str(l, "remote", inet_ntop(c->peer_kind == PEER_V4 ? AF_INET : AF_INET6, c->peer, text, sizeof text));
}

/* Milliseconds with three digits, which is what the clock has. */
static double latency_ms(const struct request *req)
{
    uint64_t us = clock_monotonic_us() - req->started_us;
    return (double)us / 1000.0;
}

void access_line(const struct request *req, int status, size_t bytes)
{
    struct log_line l;
    if (!req->server->opts.access_log || !log_begin(&l, LOG_INFO, "http", "request"))
        return;
    if (!req->headless) {
        log_slice(&l, "method", http_method_names[req->head.method]);
        log_slice(&l, "path", request_path(req));
    }
    log_int(&l, "status", status);
    log_double(&l, "latency_ms", latency_ms(req));
    log_int(&l, "bytes", (int64_t)bytes);
    log_slice(&l, "request_id", request_id(req));
    if (req->match.route != NULL)
        log_slice(&l, "route", req->match.route->pattern);
    if (req->user_id.n > 0)
        log_slice(&l, "user_id", req->user_id);
    if (req->conn != NULL)
        log_peer(&l, req->conn);
    if (req->log_fields.n > 0)
        log_members(&l, buf_view(&req->log_fields));
    log_end(&l);
}
