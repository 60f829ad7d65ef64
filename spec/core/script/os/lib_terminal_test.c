#include "core/script/os/lib_terminal.c"
#include "spec/core/script/tool_state.h"
#include <fcntl.h>

/* stdin becomes a pipe whose other end is returned. */
static int replace_stdin(void)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    CHECK(fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0);
    return ends[1];
}

TEST("readline gives line after line, and nil at the end")
{
    int in = replace_stdin();
    CHECK_INT(write(in, "one\n\nlast", 9), 9);
    close(in);
    CHECK_TASK("return table.concat({ os.readline(), os.readline(), os.readline(), tostring(os.readline()) }, '|')",
               "one||last|nil");
}

TEST("the loop goes on while readline waits")
{
    int in = replace_stdin();
    char beside[128];
    snprintf(beside, sizeof(beside), "os.exec{ 'sh', '-c', 'sleep 0.3; echo late >&3', fds = { [3] = %d } }", in);
    CHECK_TASKS("return os.readline()", beside, "late");
    close(in);
}

TEST("what readline did not take is left for the next reader")
{
    int in = replace_stdin();
    CHECK_INT(write(in, "mine\nyours\n", 11), 11);
    close(in);
    CHECK_TASK("return os.readline() .. io.read()", "mineyours");
}

TEST("a cancelled readline does not hold up the end")
{
    int in = replace_stdin();
    CHECK_CANCELLED("os.readline()");
    close(in);
}

TEST("isatty tells a pipe from a terminal")
{
    int in = replace_stdin();
    CHECK_TASK("return tostring(os.isatty(0))", "false");
    close(in);
}
