#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H
/* Tells the service manager how the service is, by the protocol of sd_notify(3). Without NOTIFY_SOCKET all of it does
 * nothing. */
#include <stdint.h>

void notify_send(const char *state); /* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." */
/* How often WATCHDOG=1 is to be sent: half of what the manager allows; 0: not at all. */
uint64_t notify_watchdog_ms(void);
#endif
