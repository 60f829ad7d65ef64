#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
/* Every limit by name, with its default. One struct per worker, filled from the settings, read by all rings. */
#include <stddef.h>
#include <stdint.h>

struct limits {
    size_t head_bytes_max;      /* request line and headers: 16 KiB, answer 431 */
    unsigned headers_max;       /* 100, answer 431; HEAD_HEADERS_MAX is the ceiling */
    size_t target_bytes_max;    /* 8 KiB, answer 414 */
    size_t body_bytes_max;      /* 1 MiB unless the route says otherwise, answer 413 */
    uint64_t head_ms;           /* 10 s from the first byte of a head to its last, answer 408 */
    uint64_t body_ms;           /* 60 s for the body, answer 408 */
    uint64_t keepalive_ms;      /* 65 s idle, then closed */
    uint64_t send_ms;           /* 60 s without the client taking a byte, then closed */
    unsigned connections_max;   /* 10,000 a worker, answer 503 */
    unsigned json_depth_max;    /* 64, answer 400 */
    uint64_t handler_ms;        /* 30 s of wall time, answer 504 */
    uint64_t handler_cpu_ms;    /* 2 s of CPU in one go, answer 503 cpu_budget */
    size_t handler_heap_bytes;  /* 64 MiB of Lua heap for one request, answer 503 heap_budget */
    size_t worker_heap_bytes;   /* 512 MiB of Lua heap for one worker */
    unsigned pool_line_max;     /* 1,000 waiting for a connection, answer 503 */
    unsigned password_line_max; /* 32 waiting to be hashed, 8 s at a cost of 12, answer 503 */
    uint64_t shutdown_ms;       /* 30 s for SIGTERM to drain */
};

extern const struct limits limits_default;
#endif
