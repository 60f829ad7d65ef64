#include "host/database.h"

enum { CONNECT_MS = 5000 };

struct pool_opts database_opts(const struct settings *s, const struct limits *limits, uv_loop_t *loop, struct wheel *wheel)
{
    return (struct pool_opts){.loop = loop,
                              .wheel = wheel,
                              .line_max = limits->pool_line_max,
                              .acquire_ms = s->acquire_ms,
                              .statement_ms = s->statement_ms,
                              .connect_ms = CONNECT_MS,
                              .recycle_ms = s->recycle_ms,
                              .ping_idle_ms = s->ping_idle_ms,
                              .prepared = s->prepared,
                              .pipeline = s->pipeline,
                              .write_lane = s->write_lane};
}
