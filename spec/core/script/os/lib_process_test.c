#include "core/script/os/lib_process.c"
#include "spec/core/script/tool_state.h"

TEST("exec gives the code and what was written to both streams")
{
    CHECK_TASK("local code, out, err = os.exec{ 'sh', '-c', 'echo out; echo err >&2; exit 3' } return code .. out .. err",
               "3out\nerr\n");
}

TEST("exec hands stdin_data over and closes stdin behind it")
{
    CHECK_TASK(
        "local data = ('x'):rep(3000000) local code, out = os.exec{ 'cat', stdin_data = data } return tostring(out == data)",
        "true");
    CHECK_TASK("return select(2, os.exec{ 'cat', stdin_data = '' })", "");
}

TEST("exec of a program that is not there raises its name")
{
    CHECK_TASK("os.exec{ 'no-such-program' }", "no-such-program: no such file or directory");
    CHECK_TASK("os.spawn{ 'true', cwd = '/no/such/folder' }", "true: no such file or directory (in /no/such/folder)");
}

TEST("exec kills what takes too long")
{
    CHECK_TASK("local code, why = os.exec{ 'sleep', '60', timeout = 0.1 } return tostring(code) .. why", "niltimeout");
}

TEST("exec kills what writes more than 16 MiB")
{
    CHECK_TASK("local code, why = os.exec{ 'yes' } return tostring(code) .. ' ' .. why", "nil more than 16 MiB of output");
}

TEST("exec does not wait for a grandchild that keeps the pipes")
{
    CHECK_TASK("local core = require 'neap.core' local start = core.monotonic() "
               "local code, out = os.exec{ 'sh', '-c', 'echo here; sleep 6 & exit 0' } "
               "return code .. out .. tostring(core.monotonic() - start < 4)",
               "0here\ntrue");
}

TEST("a signal that ended the child is told as a shell does")
{
    CHECK_TASK("local p = os.spawn{ 'sleep', '60' } assert(p:kill('KILL')) local code, signal = p:wait() "
               "return code .. ' ' .. signal .. ' ' .. select(2, p:kill(0))",
               "137 9 no such process");
}

TEST("a signal is a number or a name, with or without SIG")
{
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"'SIGTERM'", "'term'", "15"};
        char text[200];
        snprintf(text, sizeof(text), "local p = os.spawn{ 'sleep', '60' } p:kill(%s) return select(2, p:wait(5))", names[i]);
        CHECK_TASK(text, "15");
    }
    CHECK_TASK("local p <close> = os.spawn{ 'true' } p:kill('NONSENSE')", "bad argument #1 to 'kill' (not a signal)");
}

TEST("wait gives up in time, and the child lives on")
{
    CHECK_TASK("local p = os.spawn{ 'sleep', '60' } local a, why = p:wait(0.05) "
               "return tostring(a) .. why .. tostring(p:kill(9)) .. p:wait(5)",
               "niltimeouttrue137");
}

TEST("stdin and stdout are pipes that wait")
{
    CHECK_TASK(
        "local p = os.spawn{ 'cat', stdin = 'pipe' } p:write('one') local a = p:read() p:write('two') local b = p:read() "
        "p:close_stdin() return a .. b .. tostring(p:read()) .. select(2, p:read()) .. p:wait()",
        "onetwonileof0");
}

TEST("any descriptor up to 15 can be a pipe")
{
    CHECK_TASK("local p = os.spawn{ 'sh', '-c', 'echo three >&3; echo nine >&9', fds = { [3] = 'pipe', [9] = 'pipe' } } "
               "return p:read_until('\\n', 3) .. p:read(9) .. p:wait()",
               "three\nnine\n0");
    CHECK_TASK("os.spawn{ 'true', fds = { [16] = 'pipe' } }", "spawn: fds takes descriptors from 3 to 15");
}

TEST("reading what is no pipe, or from a closed process, is an error that says so")
{
    CHECK_TASK("local p = os.spawn{ 'true', stdout = 'null' } p:read()", "descriptor 1 of the process is not a pipe");
    CHECK_TASK("local p = os.spawn{ 'true' } p:close() p:read()", "the process is closed");
}

TEST("the environment is replaced, and ours when none is given")
{
    CHECK_TASK("return select(2, os.exec{ '/usr/bin/env', env = { A = '1', B = 2 } }):gsub('A=1\\nB=2\\n', 'both'):gsub("
               "'B=2\\nA=1\\n', 'both')",
               "both");
    CHECK_TASK("os.setenv('NEAP_SPEC', 'set') return select(2, os.exec{ 'sh', '-c', 'echo $NEAP_SPEC' })", "set\n");
}

TEST("cwd is the child's folder")
{
    CHECK_TASK("return select(2, os.exec{ 'pwd', cwd = '/usr' })", "/usr\n");
}

TEST("uid and gid are the child's, without our groups")
{
    if (geteuid() != 0)
        return;
    CHECK_TASK("return select(2, os.exec{ 'id', uid = 65534, gid = 65534 })",
               "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n");
}

TEST("arguments are text, numbers too, and nothing else")
{
    CHECK_TASK("return select(2, os.exec{ 'echo', 1, 2.5, 'x y' })", "1 2.5 x y\n");
    CHECK_TASK("os.exec{ 'echo', {} }", "spawn: argument 2 is a table, not a string");
    CHECK_TASK("os.exec{}", "spawn: the command is missing: { \"program\", \"argument\", ... }");
    CHECK_TASK("os.spawn{ 'true', stdout = 'file' }",
               "spawn: descriptor 1 must be \"pipe\", \"inherit\", \"null\" or a number");
}

TEST("a child that writes much is held up until somebody reads, and nothing is lost")
{
    CHECK_TASK("local p = os.spawn{ 'head', '-c', '8000000', '/dev/zero' } os.exec{ 'sleep', '0.2' } local n = 0 "
               "while true do local s = p:read() if not s then break end assert(#s <= 1200000, #s) n = n + #s end return n "
               ".. ' ' .. p:wait()",
               "8000000 0");
}

TEST("two tasks cannot read the same stream")
{
    CHECK_TASKS("local ok, err = pcall(shared.read, shared) shared:kill('KILL') return err",
                "shared = os.spawn{ 'sleep', '60' } shared:read()", "proc:read: another task reads from this already");
}

TEST("closing a process tells the tasks that wait for it")
{
    CHECK_TASKS("shared:kill('KILL') shared:close() os.exec{ 'sleep', '0.1' } return table.concat(told, ' ')",
                "shared = os.spawn{ 'sleep', '60' } told = {} told[1] = tostring((shared:read())) told[2] = select(2, "
                "pcall(shared.read, shared))",
                "nil the process is closed");
    CHECK_TASKS("shared:kill('KILL') shared:close() os.exec{ 'sleep', '0.1' } return told",
                "shared = os.spawn{ 'sleep', '60' } told = select(2, shared:wait())", "operation canceled");
}

TEST("a process that nobody keeps leaves nothing open")
{
    CHECK_TASK(
        "for i = 1, 20 do os.spawn{ 'sleep', '1', stdin = 'pipe' } end collectgarbage() collectgarbage() return 'gone'",
        "gone");
    CHECK_TASK("kept = os.spawn{ 'sleep', '1', stdin = 'pipe', fds = { [5] = 'pipe' } } return 'left to the engine'",
               "left to the engine");
}

TEST("a cancelled wait ends, and exec's child with it")
{
    CHECK_CANCELLED("os.exec{ 'sleep', '60' }");
    CHECK_CANCELLED("local p = os.spawn{ 'sleep', '2' } p:read()");
    CHECK_CANCELLED("local p = os.spawn{ 'sleep', '2' } p:wait()");
}

TEST("a write to a child that is gone is an error, not a signal")
{
    CHECK_TASK("local p = os.spawn{ 'true', stdin = 'pipe' } p:wait() local ok, why = p:write('x') return tostring(ok) .. ' "
               "' .. why",
               "nil operation canceled");
}
