#ifndef SCRIPT_REQUEST_LIB_STREAM_H
#define SCRIPT_REQUEST_LIB_STREAM_H
/* Answers in pieces, as Lua has them (core/http/stream.h). A handler that returns response.stream(type, fn) has its head
 * sent and fn(out) run in its own task, out being an outlet:
 *
 *     out:write(bytes) -> true | false     waits while the client is slow; false: it is gone
 *     out:send(bytes) -> true | false, "full" | "closed"    never waits
 *     out:queued() -> bytes that the kernel has not taken
 *     out:queue_max(bytes)
 *     out:detach{ on_close = fn, farewell = bytes }    out stays when fn has returned, until it is closed
 *     out:close(["slow"])                  the answer is whole; or the client is cut off with what is queued for it
 *
 * A detached outlet costs no coroutine. It ends with a farewell when its engine is replaced or the worker stops, so that no
 * engine lives as long as the client that stays longest. */
#include <lua.h>
#include <stdbool.h>

struct engine;
struct task;

void lib_stream_install(lua_State *L);
/* In the task's coroutine, with service->reply built and the function on top: sends the head and runs it, or leaves a reply
 * for a HEAD. Must be returned from; the Lua call that follows may wait. */
int lib_stream_run(lua_State *L, struct task *t);
/* A task with an outlet is over (t->outlet is set). Ends the answer, or leaves it detached. Its request is gone then. */
void lib_stream_done(struct task *t, bool whole);
void lib_stream_end_detached(struct engine *e); /* with their farewells */
#endif
