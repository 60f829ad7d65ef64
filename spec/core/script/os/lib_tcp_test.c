#include "core/script/os/lib_tcp.c"
#include "spec/core/script/tool_state.h"

/* A pair of connected sockets, a and b. */
#define PAIR "local l = os.listen(0) local a = assert(os.tcp('127.0.0.1', l.port)) local b = assert(l:accept()) "

TEST("a client and a listener talk")
{
    CHECK_TASK(PAIR "a:write('ping') local s = b:read() b:write('pong') return s .. a:read()", "pingpong");
}

TEST("a name is resolved, and each of its addresses is tried")
{
    CHECK_TASK(
        "local l = os.listen(0) local a, err = os.tcp('localhost', l.port) return tostring(a ~= nil and l:accept() ~= nil)",
        "true");
}

TEST("a name that does not exist and a port where nobody listens are told")
{
    CHECK_TASK("local l = os.listen(0) local port = l.port l:close() local s, err = os.tcp('127.0.0.1', port) "
               "return tostring(s) .. ' ' .. err",
               "nil connection refused");
    CHECK_TASK("local s, err = os.tcp('name.invalid', 80, 20) return tostring(s) .. type(err)", "nilstring");
}

TEST("a Unix socket is connected by its path")
{
    CHECK_TASK("local l = os.listen(folder .. '/sock') local a = assert(os.unix(folder .. '/sock')) local b = l:accept() "
               "a:write('x') return b:read()",
               "x");
    CHECK_TASK("local s, err = os.unix(folder .. '/nobody') return tostring(s) .. ' ' .. err",
               "nil no such file or directory");
    CHECK_TASK("os.unix(('x'):rep(108))", "bad argument #1 to 'unix' (not a path of a socket (107 bytes at most))");
}

TEST("read(n) gives exactly n bytes, however they came")
{
    CHECK_TASK(PAIR "a:write('12') a:write('345') a:write('6') return b:read(4) .. '|' .. b:read(2)", "1234|56");
}

TEST("read(n) at the end of the stream gives what there was")
{
    CHECK_TASK(
        PAIR
        "a:write('12') a:close() local s, why, rest = b:read(4) return tostring(s) .. why .. rest .. select(2, b:read())",
        "nileof12eof");
}

TEST("read_until gives all up to and with the text, and keeps the rest")
{
    CHECK_TASK(PAIR "a:write('head\\r') a:write('\\n\\r\\nbody') return #b:read_until('\\r\\n\\r\\n') .. b:read()", "8body");
}

TEST("read_until gives up on a text that does not come within 1 MiB")
{
    CHECK_TASK(PAIR "local big = ('x'):rep(300000) a.timeout = 0.3 for i = 1, 40 do if not a:write(big) then break end end "
                    "return select(2, b:read_until('y'))",
               "the text did not come within 1 MiB");
}

TEST("a read larger than the read-ahead is given whole")
{
    CHECK_TASK("local l = os.listen(0) local p = os.spawn{ 'bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/' .. l.port .. "
               "'; head -c 5000000 /dev/zero >&3' } local b = l:accept() return #b:read(5000000)",
               "5000000");
}

TEST("a wait gives up after the socket's timeout")
{
    CHECK_TASK(PAIR "b.timeout = 0.05 local s, why = b:read() return tostring(s) .. why .. b.timeout", "niltimeout0.05");
    CHECK_TASK("local l = os.listen(0) local s, why = l:accept(0.05) return tostring(s) .. why", "niltimeout");
    CHECK_TASK(PAIR "a.timeout = 0.05 local ok, why for i = 1, 100 do ok, why = a:write(('x'):rep(1000000)) if not ok then "
                    "break end end "
                    "return tostring(ok) .. why .. ' ' .. select(2, a:write('x'))",
               "niltimeout an earlier write is not through yet");
}

TEST("a large write waits for its reader")
{
    CHECK_TASK("local l = os.listen(0) local p = os.spawn{ 'bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/' .. l.port .. "
               "'; sleep 0.3; head -c 20000000 <&3 | wc -c' } local b = l:accept() assert(b:write(('x'):rep(20000000))) "
               "return p:read_until('\\n')",
               "20000000\n");
}

TEST("shutdown ends one direction, the other goes on")
{
    CHECK_TASK(PAIR "a:write('last') a:shutdown() local s = b:read() local _, why = b:read() b:write('still') "
                    "return s .. why .. a:read()",
               "lasteofstill");
}

TEST("reset is seen as such by the peer")
{
    CHECK_TASK(PAIR "a:reset() return select(2, b:read())", "connection reset by peer");
}

TEST("a closed socket says so, and may be closed again")
{
    CHECK_TASK(PAIR "a:close() a:close() a:read()", "the socket is closed");
    CHECK_TASK("local l = os.listen(0) l:close() l:close() l:accept()", "the listener is closed");
    CHECK_TASK(PAIR "do local c <close> = a end local ok, err = pcall(a.read, a) return err", "the socket is closed");
}

TEST("only the timeout can be set")
{
    CHECK_TASK(PAIR "a.colour = 1", "a socket has no field 'colour' to set");
    CHECK_TASK(PAIR "a.timeout = -1", "bad argument #3 to 'newindex' (must be seconds, from 0 up)");
}

TEST("connections that nobody accepts, and sockets that nobody keeps, leave nothing open")
{
    CHECK_TASK("listener = os.listen(0) socket = os.tcp('127.0.0.1', listener.port) os.tcp('127.0.0.1', listener.port) "
               "return 'left'",
               "left");
    CHECK_TASK(PAIR "a, b, l = nil collectgarbage() collectgarbage() return 'collected'", "collected");
}

TEST("closing a socket or a listener tells the task that waits for it")
{
    CHECK_TASKS("os.exec{ 'sleep', '0.1' } shared:close() os.exec{ 'sleep', '0.1' } return told",
                "shared = os.listen(0) told = select(2, shared:accept(60))", "operation canceled");
    CHECK_TASKS(
        "os.exec{ 'sleep', '0.1' } shared:close() os.exec{ 'sleep', '0.1' } return told",
        "local l = os.listen(0) shared = os.tcp('127.0.0.1', l.port) shared.timeout = 60 told = select(2, shared:read())",
        "operation canceled");
}

TEST("a cancelled wait ends at once")
{
    CHECK_CANCELLED(PAIR "b:read()");
    CHECK_CANCELLED("os.listen(0):accept()");
    CHECK_CANCELLED(PAIR "while true do assert(a:write(('x'):rep(1000000))) end");
    CHECK_CANCELLED("os.tcp('192.0.2.1', 9, 60) os.listen(0):accept(60)");
}

TEST("a connection that is not answered gives up in time")
{
    CHECK_TASK("local s, why = os.tcp('192.0.2.1', 9, 0.1) return tostring(s)", "nil");
}
