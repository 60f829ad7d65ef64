#ifndef SCRIPT_SANDBOX_SANDBOX_GLOBALS_H
#define SCRIPT_SANDBOX_SANDBOX_GLOBALS_H
/* Finds the globals that a compiled chunk reads and writes, in functions too that never ran. It reads what lua_dump()
 * writes, with debug information, for Lua 5.4; another format is not understood and says so. */
#include "base/buf.h"
#include "base/slice.h"
#include <stdbool.h>

struct global_use {
    struct slice name; /* a view of the dump */
    int line;
    bool is_write;
};

struct global_uses {
    struct global_use *list; /* owned */
    size_t n, cap;
};

/* By line and name. False when the dump is not understood: then nothing was found out. free with global_uses_free(). */
bool global_uses_read(struct slice dump, struct global_uses *out) __attribute__((warn_unused_result));
void global_uses_free(struct global_uses *u);
#endif
