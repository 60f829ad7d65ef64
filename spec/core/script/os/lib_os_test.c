#include "core/script/os/lib_os.c"
#include "spec/core/script/tool_state.h"

TEST("a user is found by name, with ids and home")
{
    CHECK_TASK("local u = os.user('root') return u.uid .. ' ' .. u.gid .. ' ' .. u.dir", "0 0 /root");
    CHECK_TASK("local u, why = os.user('nobody-of-this-name') return tostring(u) .. why:match(':.*')",
               "nil: No such file or directory");
}

TEST("setenv sets and removes")
{
    CHECK_TASK(
        "os.setenv('NEAP_SPEC_OS', 'x') local sh = { 'sh', '-c', 'echo \"[$NEAP_SPEC_OS]\"' } local _, a = os.exec(sh) "
        "os.setenv('NEAP_SPEC_OS') local _, b = os.exec(sh) return a .. b",
        "[x]\n[]\n");
}

TEST("uid, pid and cwd are those of this process")
{
    char want[256], cwd[128];
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
    snprintf(want, sizeof(want), "%d %d %s", (int)geteuid(), (int)getpid(), cwd);
    CHECK_TASK("return os.uid() .. ' ' .. os.getpid() .. ' ' .. os.cwd()", want);
}
