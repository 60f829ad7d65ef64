#include "core/script/os/lib_lock.c"
#include "spec/core/script/tool_state.h"

TEST("a lock is had at once when nobody has it, and again after it was let go")
{
    CHECK_TASK(
        "local path = folder .. '/lock' local a = os.lock(path) a:unlock() a:unlock() local b <close> = os.lock(path, 0) "
        "return os.stat(path).mode .. tostring(b ~= nil)",
        "384true");
}

TEST("a lock that another has is waited for, and given up on in time")
{
    CHECK_TASK("local a <close> = os.lock(folder .. '/lock') local b, why = os.lock(folder .. '/lock', 0.2) return "
               "tostring(b) .. why",
               "niltimeout");
}

TEST("a lock is had when the other lets go")
{
    CHECK_TASKS("local b = os.lock(folder .. '/lock', 5) return tostring(b ~= nil)",
                "local a = os.lock(folder .. '/lock') os.exec{ 'sleep', '0.2' } a:unlock()", "true");
}

TEST("a lock where no file can be is nil and a reason")
{
    CHECK_TASK("local a, why = os.lock('/no/such/folder/lock') return tostring(a) .. why",
               "nil/no/such/folder/lock: No such file or directory");
}

TEST("a cancelled wait for a lock leaves nothing behind")
{
    CHECK_CANCELLED("local a <close> = os.lock(folder .. '/lock') os.lock(folder .. '/lock', 60)");
}
