#ifndef HOST_ABORT_H
#define HOST_ABORT_H
/* The last words of a worker that is aborted, by itself or by the supervisor because it is stuck: one log line that says
 * where its Lua was. */
struct engine;

/* `engine` is read when the time comes: it is where the worker keeps its present engine. */
void abort_tell(struct engine *const *engine);
#endif
