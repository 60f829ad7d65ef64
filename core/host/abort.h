#ifndef HOST_ABORT_H
#define HOST_ABORT_H
/* The last words of a worker that is aborted, by itself or by the supervisor because it is stuck: one log line that says
 * where its Lua was. */
#include <sys/types.h>

struct engine;

/* `engine` is read when the time comes: it is where the worker keeps its present engine. */
void abort_tell(struct engine *const *engine);

/* The loop calls this now and then. A worker that has not for a minute, and whose parent is gone, aborts: nobody else
 * would end it. While the parent lives the silence is the parent's business, or the process was stopped for so long. */
void abort_unless_seen(pid_t parent);
#endif
