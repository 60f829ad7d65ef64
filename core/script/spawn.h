#ifndef SCRIPT_SPAWN_H
#define SCRIPT_SPAWN_H
/* Tasks of an engine that belong to no request: core.spawn(fn, name[, {finish = true}]).
 *
 * A background task is for what goes on for ever, a loop that waits. It is cancelled at its wait when its engine is
 * replaced, and when the worker stops, after the application's on_stop hooks. One that finishes is a piece of work with an
 * end: it keeps its engine, as a request does, and a worker that stops waits for it as long as it waits for requests. */
struct engine;

void spawn_end_background(struct engine *e); /* cancels them; what was spawned and has not begun never does */
#endif
