#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H
/* What depends on the platform, in one place; the rest of the ring is POSIX and libuv. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* SIGTERM for this process when `parent` dies. False when it is dead already, or another platform cannot tell. */
bool process_die_with_parent(pid_t parent);
void process_set_name(const char *name); /* as ps shows it; at most 15 bytes are kept */
void process_raise_file_limit(void);     /* of open files, to what the system allows */
/* The absolute path of this program. 0 or -1. */
int process_path(char *out, size_t out_n) __attribute__((warn_unused_result));
/* Opens what of stdin, stdout and stderr was closed by who started us: a socket or a database would get its number, and
 * what is meant for a person would be written there. */
void process_fill_standard(void);
unsigned process_cores(void);    /* that this process may use, at least 1 */
bool process_has_terminal(void); /* a controlling terminal that has not hung up */
#endif
