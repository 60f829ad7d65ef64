#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"

void access_ip(struct request *req, char out[static ADDRESS_TEXT_MAX])
{
    out[0] = 0;
    if (req->server->opts.access_log)
        address_write(request_address(req), out);
}

struct access_facts access_facts_of(const struct request *req)
{
    struct access_facts f = {
        .id = request_id(req),
        .user_id = req->user_id,
        .log_fields = buf_view(&req->log_fields),
        .started_us = req->started_us,
    };
    if (!req->headless) {
        f.method = http_method_names[req->head.method];
        f.path = request_path(req);
    }
    if (req->match.route != NULL) {
        f.route = req->match.route->pattern;
        f.series = req->match.route->series;
    }
    return f;
}

void access_write(struct server *s, const struct access_facts *f, int status, uint64_t bytes)
{
    uint64_t took_us = clock_monotonic_us() - f->started_us;
    struct log_line l;
    metrics_count(s->metrics, f->series, status, took_us);
    if (!s->opts.access_log || !log_begin(&l, LOG_INFO, "http", "request"))
        return;
    if (f->method.n > 0) {
        log_slice(&l, "method", f->method);
        log_slice(&l, "path", f->path);
    }
    log_int(&l, "status", status);
    log_double(&l, "latency_ms", (double)took_us / 1000.0);
    log_int(&l, "bytes", (int64_t)bytes);
    if (f->end != NULL)
        log_str(&l, "end", f->end);
    log_slice(&l, "request_id", f->id);
    if (f->route.n > 0)
        log_slice(&l, "route", f->route);
    if (f->user_id.n > 0)
        log_slice(&l, "user_id", f->user_id);
    if (f->ip.n > 0)
        log_slice(&l, "ip", f->ip);
    if (f->log_fields.n > 0)
        log_members(&l, f->log_fields);
    log_end(&l);
}

void access_line(struct request *req, int status, size_t bytes)
{
    char ip[ADDRESS_TEXT_MAX];
    if (!req->server->opts.access_log) {
        metrics_count(req->server->metrics, req->match.route ? req->match.route->series : 0, status,
                      clock_monotonic_us() - req->started_us);
        return;
    }
    struct access_facts f = access_facts_of(req);
    access_ip(req, ip);
    f.ip = slice_str(ip);
    access_write(req->server, &f, status, bytes);
}
