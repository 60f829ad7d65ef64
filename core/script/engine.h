#ifndef SCRIPT_ENGINE_H
#define SCRIPT_ENGINE_H
/* One lua_State with everything that hangs on it: modules, routes, recycled coroutines. Reload is a new engine beside the
 * old one; the old one goes when the last request that holds its routes has ended. Nothing of an engine is static. */
#include "base/error.h"
#include "http/server.h"
#include "script/runtime/env.h"

struct engine;

/* A state with the libraries and the module path of env->app_dir; no application yet. NULL with a reason. */
struct engine *engine_new(const struct script_env *env, char err[static ERR_MAX]);
/* Runs neap.boot for the application: config.lua, lua/app/init.lua, routes. 0; -1 with a reason (file:line first);
 * -78 when the configuration is wrong (err lists every problem, a line each). No handler runs. */
int engine_load(struct engine *e, char err[static ERR_MAX]) __attribute__((warn_unused_result));
struct route_table *engine_routes(struct engine *e); /* borrowed; server_set_routes takes its own count */
/* Where people read what the routes are for, "/docs"; NULL: nowhere. Borrowed. */
const char *engine_docs_path(struct engine *e);
/* Drops the owner's count: freed now, or when the last task or request is over. Its background tasks are cancelled. */
void engine_retire(struct engine *e);
unsigned engine_tasks(const struct engine *e); /* live coroutines */
void engine_cancel_all(struct engine *e);      /* ends every task at its wait: the deadline of a drain */
/* Likewise, because of a signal, and keeps where the command was: core.interruption() tells both. */
void engine_interrupt(struct engine *e, int signal);

/* The http_app of a worker. start() finds the engine by the request's route table. */
extern const struct http_app script_app;

/* Runs a command: require(module).main(args...) as a task; on_done(exit code, arg) later. Errors are printed to stderr. */
void engine_run(struct engine *e, const char *module, void (*on_done)(int code, void *arg), void *arg);
#endif
