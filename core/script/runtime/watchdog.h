#ifndef SCRIPT_RUNTIME_WATCHDOG_H
#define SCRIPT_RUNTIME_WATCHDOG_H
/* Ends Lua that runs for too long in one go. A count hook would cost every handler 15 to 140%; instead a timer on the
 * thread's own computing time, which stands still while it waits, signals the thread every few milliseconds, and when the
 * signal's handler meets the same run past the limit, it sets the hook that raises. One per process, started after fork.
 * The hook does not fire inside one long pattern match: there the supervisor's heartbeat ends the worker. */
#include <stdint.h>

struct engine;

void watchdog_start(uint64_t cpu_ms_max); /* on the loop's thread; 0 turns it off */
void watchdog_stop(void);
/* Ends the Lua that runs now, if any does, because of this signal. To be called by its handler, on the loop's thread. */
void watchdog_interrupt(int signal);
void watchdog_watch(struct engine *e); /* the engine whose Lua is about to run */
void watchdog_enter(void);
void watchdog_leave(void);
#endif
