#ifndef BASE_LOG_H
#define BASE_LOG_H
/* One JSON object a line (a short human line when log_set_pretty was called: dev on a terminal):
 * {"timestamp":"...","level":"info","message":"...","module":"pool","request_id":"...", ...}
 *
 *     struct log_line l;
 *     if (log_begin(&l, LOG_WARN, "pool", "connection lost")) {
 *         log_str(&l, "host", host);
 *         log_int(&l, "attempts", n);
 *         log_end(&l);
 *     }
 *
 * Lines are gathered in memory and written by log_flush(), which the loop calls once a turn; an error line, a full
 * buffer (64 KiB) and exit flush at once. A write that would block for ever is given up after a second and counted:
 * logging never stops the server. Strings that are not UTF-8 are written with U+FFFD in place of what is wrong.
 * For the loop's thread only. Flush before fork(), or both processes write what was gathered. */
#include "base/buf.h"
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_line {
    struct buf *out;
    size_t start;
    enum log_level level;
};

void log_open(int fd, enum log_level level); /* default: 1 (stdout), LOG_INFO */
void log_set_pretty(bool on, bool colour);
enum log_level log_level(void);
int log_level_parse(struct slice name, enum log_level *out) __attribute__((warn_unused_result)); /* 0, or -1 */
uint64_t log_dropped(void);

/* False when the level is off: then nothing else may be called. module is a literal or a Lua module's name. */
bool log_begin(struct log_line *l, enum log_level level, const char *module, const char *message);
bool log_begin_n(struct log_line *l, enum log_level level, struct slice module, struct slice message);
void log_str(struct log_line *l, const char *key, const char *value); /* NULL is left out */
void log_slice(struct log_line *l, const char *key, struct slice value);
void log_int(struct log_line *l, const char *key, int64_t value);
void log_double(struct log_line *l, const char *key, double value);
void log_raw(struct log_line *l, struct slice key, struct slice json); /* json: one complete JSON value */
/* JSON members that were gathered elsewhere, each with a comma before it: ,"key":value,"key":value */
void log_members(struct log_line *l, struct slice members);
void log_end(struct log_line *l);
void log_flush(void);
/* While it is on, lines stay in memory, the newest 64 KiB of them, for who shows them only when something went wrong.
 * Either call forgets what was held before. */
void log_hold(bool on);
struct slice log_held(void); /* until the next line */

/* A line with one optional pair, for the many places that need no more. */
void log_note(enum log_level level, const char *module, const char *message, const char *key, const char *value);
#endif
