#include "base/limits.h"

const struct limits limits_default = {
    .head_bytes_max = 16u << 10,
    .headers_max = 100,
    .target_bytes_max = 8u << 10,
    .body_bytes_max = 1u << 20,
    .head_ms = 10 * 1000,
    .body_ms = 60 * 1000,
    .keepalive_ms = 65 * 1000,
    .send_ms = 60 * 1000,
    .connections_max = 10000,
    .json_depth_max = 64,
    .handler_ms = 30 * 1000,
    .handler_cpu_ms = 2 * 1000,
    .handler_heap_bytes = 64u << 20,
    .worker_heap_bytes = 512u << 20,
    .pool_line_max = 1000,
    .password_line_max = 32,
    .shutdown_ms = 30 * 1000,
};
