#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H
/* Where log.c's lines leave the process. */
#include "base/buf.h"

void log_sink_open(int fd);
/* Writes and empties `lines`. A reader that takes nothing for a second costs the lines that are left, and until it reads
 * again no more waiting; a line that is half out keeps its rest in `lines`. Returns how many lines were lost since the
 * last call that worked, once, when one works again. */
uint64_t log_sink_write(struct buf *lines);
#endif
