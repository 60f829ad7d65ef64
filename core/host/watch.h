#ifndef HOST_WATCH_H
#define HOST_WATCH_H
/* Sees saved files of an application in development. The system's events say only that something moved; what it was is
 * found by comparing the tree with what it was before, which makes editors that write beside and rename, new folders and
 * lost events all one case. Where the system has no watches left, the tree is compared every second. */
#include "host/config.h"
#include <uv.h>

struct watch;

/* on_saved(what, arg), never from inside a call: what reads "lua/app/tasks/rules.lua changed". Watches config.lua, .env
 * and the Lua files of the application's folder, all below its lua/, and those of NEAP_HOME. */
struct watch *watch_open(uv_loop_t *loop, const struct place *place, void (*on_saved)(const char *what, void *arg),
                         void *arg);
void watch_close(struct watch *w); /* NULL is fine; the memory goes with the last handle */
#endif
