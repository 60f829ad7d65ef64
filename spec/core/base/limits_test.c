#include "core/base/limits.c"
#include "spec/core/test.h"

TEST("no default is zero, which would mean \"nothing is allowed\"")
{
    const struct limits *l = &limits_default;
    CHECK(l->head_bytes_max && l->headers_max && l->target_bytes_max && l->body_bytes_max && l->head_ms && l->body_ms);
    CHECK(l->keepalive_ms && l->send_ms && l->connections_max && l->json_depth_max && l->handler_ms && l->handler_cpu_ms);
    CHECK(l->handler_heap_bytes && l->worker_heap_bytes && l->pool_line_max && l->shutdown_ms);
}
