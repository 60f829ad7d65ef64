#ifndef SCRIPT_RUNTIME_TASK_INTERNAL_H
#define SCRIPT_RUNTIME_TASK_INTERNAL_H
/* The task from inside the ring. A task is on the engine's live list from task_new to task_free, and is in one state:
 *
 *     READY -> RUNNING <-> WAITING -> ENDED -> (spare, READY again)
 *
 * Cancelling is sticky: from then on every pcall and resume of the task raises again, while <close> variables may still
 * wait until the grace is over. */
#include "base/buf.h"
#include "base/list.h"
#include "base/wheel.h"
#include "script/runtime/db_task.h"
#include "script/runtime/task.h"
#include <stdatomic.h>

enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };
enum task_cancel { TASK_LIVE = 0, TASK_CLIENT_GONE, TASK_TIMED_OUT, TASK_STOPPED, TASK_CPU, TASK_HEAP, TASK_EXIT };
enum task_outcome { OUTCOME_OK, OUTCOME_ERROR, OUTCOME_YIELDED };

enum task_spawned { SPAWN_NOT, SPAWN_FINISHES, SPAWN_BACKGROUND }; /* script/runtime/spawn.h */

/* TASK_CHAIN_MAX: generators inside generators; Lua itself allows 200 C calls. TASK_GRACE_MS: for the <close> variables of a
 * task that is cancelled, a ROLLBACK among them. */
enum { TASK_CHAIN_MAX = 64, TASK_GRACE_MS = 5000 };

struct engine;
struct json_doc;
struct outlet;
struct task {
    struct engine *engine;
    lua_State *co; /* anchored by co_ref */
    int co_ref;
    struct list link;
    enum task_state state;
    enum task_cancel cancelled;
    enum task_spawned spawned;
    bool lasting;          /* lives as long as it likes, and counts heap_bytes from each wait */
    struct request *req;   /* borrowed from the server until the answer; NULL for commands */
    struct outlet *outlet; /* its answer goes out in pieces; lib_stream.c's */
    void **req_box;        /* the userdata that the handler sees; NULL inside when the request is over; or NULL */
    int req_ref;           /* its anchor, or false */
    struct json_doc *docs; /* of the request, in its arena, by enum intake_part; n 0: not read, or not declared */
    /* What the function returned, from index 2 on, is made into an answer; returns like a lua_CFunction. NULL: the values
     * stay on co. */
    int (*returned)(lua_State *L, struct task *t);

    const char *what; /* of the wait */
    script_cancel_fn cancel;
    void *cancel_arg;
    script_push_fn push;
    void *push_arg;
    bool stop_due;            /* the cancel error is to be raised at the wait by the timer */
    bool wait_cancelled;      /* the wait that is under way began before the cancel */
    bool grace_over;          /* <close> variables waited for too long: nothing waits any more */
    struct wheel_timer timer; /* the handler's deadline; after a cancel, the next thing to do */

    lua_State *chain[TASK_CHAIN_MAX]; /* the coroutines that resumed each other down to the running one */
    unsigned chain_n;
    long heap_bytes;   /* allocated less freed while this task ran */
    struct buf trace;  /* the traceback of the error that ended it */
    struct buf bound;  /* log.bind: JSON members, ",key":value */
    struct db_task db; /* its transactions, and what it asked */
    int exit_code;
    void (*done)(struct task *t, enum task_outcome how, void *arg); /* called once, when the Lua is over */
    void *done_arg;
};

struct task *task_new(struct engine *e); /* recycled where possible; raises nothing */
/* The function and its n arguments were pushed to task->co, and nothing else. done() is called before task_start returns, or
 * later. */
void task_start(struct task *t, int n, void (*done)(struct task *t, enum task_outcome how, void *arg), void *arg);
/* Around Lua that runs for a task that has ended, on L: an error value that describes itself, say. Nothing can wait there,
 * and the limit on computing time holds. */
void task_enter(struct task *t, lua_State *L);
void task_leave(struct task *t, lua_State *L);
void task_reset(struct task *t); /* after an error: runs what <close> variables its coroutine still has */
void task_free(struct task *t);  /* after done; may free the engine with it */
void task_free_spare(struct engine *e);
/* Ends the task at its wait. Fine to call more than once: the first reason stays. */
void task_cancel(struct task *t, enum task_cancel why);
/* The handler's wall time begins anew: after a piece of an answer that has no end of its own. */
void task_renew_deadline(struct task *t);
/* Raises when the running task was cancelled: called where Lua would otherwise swallow the error. */
void task_check_cancelled(lua_State *L);
/* Message handler: keeps the traceback. Expected errors (neap.error) go without. */
int task_on_error(lua_State *L);
#endif
