#ifndef HOST_COUNTS_H
#define HOST_COUNTS_H
/* What is alive in this process: asked for by handlers and specs, and told at the end of every worker. */
#include "script/tool_host.h"

void counts_take(const struct script_env *env, struct host_counts *out);
unsigned counts_handles(uv_loop_t *loop); /* that are not closing */
#endif
