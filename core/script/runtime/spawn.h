#ifndef SCRIPT_RUNTIME_SPAWN_H
#define SCRIPT_RUNTIME_SPAWN_H
/* Tasks of an engine that belong to no request: core.spawn(fn, name[, {finish = true}]) -> id.
 *
 * A background task is for what goes on for ever, a loop that waits. It is cancelled at its wait when its engine is
 * replaced, and when the worker stops, after the application's on_stop hooks. One that finishes is a piece of work with an
 * end: it keeps its engine, as a request does, and a worker that stops waits for it as long as it waits for requests. */
#include "script/runtime/task_internal.h"

void lib_spawn_add(lua_State *L); /* spawn, cancel and ending, to the table of neap.core on top */

void spawn_end_background(struct engine *e); /* cancels them; what was spawned and has not begun never does */
/* For who makes tasks of its own beside core.spawn, between task_new and task_start: every line that it logs names it. */
void spawn_name_task(struct task *t, enum task_spawned kind, const char *name);
/* The first thing when it is done: its failure is logged, its connections go back. task_free comes after it. */
void spawn_task_over(struct task *t, enum task_outcome how, const char *name);
#endif
