#ifndef SCRIPT_RUNTIME_TASK_H
#define SCRIPT_RUNTIME_TASK_H
/* One run of Lua that may wait: a request's handler, a command, a spec. It is one coroutine of the engine.
 *
 * A C function that waits is written so:
 *
 *     static int l_sleep(lua_State *L)
 *     {
 *         struct task *task = script_task(L);            // raises where waiting is impossible
 *         struct nap *nap = ...;                         // state of the wait: lua_newuserdatauv, or embedded
 *         start_timer(nap, on_timer, task);              // calls back later, never from inside
 *         return script_wait(L, "sleep", cancel_nap, nap); // last statement
 *     }
 *     static void on_timer(...) { script_resume(task, push_nothing, nap); }   // may free task: last line
 *
 * script_resume's push function runs inside the coroutine at the wait: what it pushes are the results of the Lua call, an
 * error that it raises is raised there. */
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct task;
struct engine;
struct request;

typedef int (*script_push_fn)(lua_State *L, void *arg); /* returns how many values it pushed */
/* The task is being cancelled: stop the work. Returns true when it stopped at once and no script_resume will come (the
 * wait then ends with the cancel error), false when script_resume will still come soon (e.g. SQL is being cancelled). */
typedef bool (*script_cancel_fn)(void *arg);

struct task *script_task(lua_State *L); /* the running task; raises when there is none */
struct task *script_task_or_null(lua_State *L);
bool script_can_wait(lua_State *L); /* here and now: script_task would not raise */
struct engine *script_engine(lua_State *L);
struct request *script_request(struct task *t); /* NULL for commands and specs */
/* Yields; the value must be returned from the lua_CFunction. `what` is a literal for error messages ("db.query"). */
int script_wait(lua_State *L, const char *what, script_cancel_fn cancel, void *arg);
void script_resume(struct task *t, script_push_fn push, void *arg);
#endif
