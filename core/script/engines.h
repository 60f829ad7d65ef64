#ifndef SCRIPT_ENGINES_H
#define SCRIPT_ENGINES_H
/* All engines of a process: that of the day, and those that were replaced and still have something to end. They stand in
 * env->engines from engine_new until they are freed. */
#include "script/runtime/env.h"

unsigned engines_tasks(const struct script_env *env);      /* of requests and commands, and what was spawned to finish */
unsigned engines_background(const struct script_env *env); /* spawned, and ended with their engine */
size_t engines_heap(const struct script_env *env);         /* bytes of Lua */
void engines_cancel_tasks(const struct script_env *env);   /* ends them at their waits, but leaves the background alone */
void engines_end_streams(const struct script_env *env);    /* those that outlived their handlers, with their farewells */
void engines_end_background(const struct script_env *env); /* and nothing more of it starts */
#endif
