#include "core/script/os/lib_fs.c"
#include "spec/core/script/bare_state.h"

static lua_State *open_state(void)
{
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
        luaL_newlibtable(L, lib_fs_functions);
        lua_newtable(L);
        luaL_setfuncs(L, lib_fs_functions, 0);
        lua_setglobal(L, "fs");
    }
    return L;
}

TEST("mkdir makes the parents too, and is content when the folder is there")
{
    CHECK_RUN(
        open_state(),
        "local d = ... assert(fs.mkdir(d .. '/a/b//c')) assert(fs.mkdir(d .. '/a/b/c/')) return fs.stat(d .. '/a/b/c').type",
        "directory");
}

TEST("mkdir says which part of the path is in the way")
{
    CHECK_RUN(open_state(),
              "local d = ... fs.write_file(d .. '/plain', '') local ok, err = fs.mkdir(d .. '/plain/x') "
              "return tostring(ok) .. ' ' .. err:sub(#d + 1)",
              "nil /plain: Not a directory");
}

TEST("list is sorted and knows what each entry is")
{
    CHECK_RUN(open_state(),
              "local d = ... .. '/list' fs.mkdir(d .. '/sub') fs.write_file(d .. '/b', '') fs.write_file(d .. '/.a', '')"
              "fs.symlink('b', d .. '/z') local t = {} for i, e in ipairs(fs.list(d)) do t[i] = e.name .. ':' .. e.type end "
              "return table.concat(t, ' ')",
              ".a:file b:file sub:directory z:link");
}

TEST("list of what is no folder is nil and a reason")
{
    CHECK_RUN(open_state(),
              "local l, err, code = fs.list('/nowhere/at/all') return tostring(l) .. ' ' .. err .. ' ' .. code",
              "nil /nowhere/at/all: No such file or directory 2");
}

TEST("stat tells size, mode, owner and time; nil when there is nothing")
{
    CHECK_RUN(open_state(),
              "local f = ... .. '/stat' fs.write_file(f, 'four', 384) local s = fs.stat(f) "
              "return table.concat({ s.type, s.size, s.mode, tostring(math.abs(s.mtime - os.time()) < 60), s.uid }, ' ') .. "
              "tostring(fs.stat(f .. 'x'))",
              geteuid() == 0 ? "file 4 384 true 0nil"
                             : run(open_state(), "return 'file 4 384 true ' .. fs.stat(...).uid .. 'nil'"));
}

TEST("stat looks through a link")
{
    CHECK_RUN(open_state(),
              "local d = ... fs.symlink('/nowhere', d .. '/dangling') fs.symlink(d, d .. '/self') "
              "return tostring(fs.stat(d .. '/dangling')) .. ' ' .. fs.stat(d .. '/self').type",
              "nil directory");
}

TEST("what is written is read back, whole and with every byte")
{
    CHECK_RUN(open_state(),
              "local f, s = ... .. '/bytes', ('\\0\\1\\xff\\r\\n'):rep(100000) assert(fs.write_file(f, s)) "
              "return tostring(fs.read_file(f) == s)",
              "true");
    CHECK_RUN(open_state(), "local f = ... .. '/empty' fs.write_file(f, '') return '[' .. fs.read_file(f) .. ']'", "[]");
}

TEST("write_file replaces a file and leaves no other behind")
{
    CHECK_RUN(open_state(),
              "local d = ... .. '/replace' fs.mkdir(d) fs.write_file(d .. '/f', 'old') fs.write_file(d .. '/f', 'new') "
              "return #fs.list(d) .. fs.read_file(d .. '/f')",
              "1new");
}

TEST("write_file that cannot leaves no other behind either")
{
    CHECK_RUN(open_state(),
              "local d = ... .. '/cannot' fs.mkdir(d .. '/f/x') local ok, err = fs.write_file(d .. '/f', 'new') "
              "return tostring(ok) .. #fs.list(d) .. err:match('[^:]+$')",
              "nil1 Is a directory");
}

TEST("read_file of a folder is nil and a reason")
{
    CHECK_RUN(open_state(), "local s, err = fs.read_file('/tmp') return tostring(s) .. ' ' .. err",
              "nil /tmp: Is a directory");
}

TEST("remove takes a folder with all in it only when told to, and never what a link points at")
{
    CHECK_RUN(
        open_state(),
        "local d = ... fs.mkdir(d .. '/tree/a/b') fs.write_file(d .. '/tree/a/f', '') fs.mkdir(d .. '/kept') "
        "fs.write_file(d .. '/kept/f', '') "
        "fs.symlink(d .. '/kept', d .. '/tree/a/link') local ok, err = fs.remove(d .. '/tree') assert(not ok, 'removed') "
        "assert(fs.remove(d .. '/tree', { recursive = true })) "
        "return tostring(fs.stat(d .. '/tree')) .. fs.stat(d .. '/kept/f').type",
        "nilfile");
}

TEST("tempdir is new each time and private")
{
    CHECK_RUN(open_state(),
              "local a, b = fs.tempdir('neap-spec-'), fs.tempdir() local mode = fs.stat(a).mode fs.remove(a) fs.remove(b) "
              "return tostring(a ~= b and a:find('/neap%-spec%-') ~= nil) .. mode",
              "true448");
}

TEST("rename, chmod and realpath do what they say")
{
    CHECK_RUN(open_state(),
              "local d = fs.realpath(...) fs.write_file(d .. '/one', '') assert(fs.rename(d .. '/one', d .. '/two')) "
              "assert(fs.chmod(d .. '/two', 256)) fs.symlink('two', d .. '/three') "
              "return fs.stat(d .. '/two').mode .. fs.realpath(d .. '/three'):sub(#d + 1) .. tostring(fs.stat(d .. '/one'))",
              "256/twonil");
}
