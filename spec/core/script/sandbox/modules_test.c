#include "core/script/sandbox/modules.c"
#include "spec/core/script/bare_state.h"

static lua_State *open_state(const char *home)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    modules_install(L, folder, home);
    sandbox_install(L);
    return L;
}

static void check_run(const char *file, int line, const char *home, const char *text, const char *want)
{
    lua_State *L = open_state(home);
    const char *got = run(L, text);
    test_check_str(file, line, text, got, strlen(got), want, strlen(want));
    lua_close(L);
}
#define CHECK_MODULE(text, want) check_run(__FILE__, __LINE__, NULL, text, want)

TEST("an application's module is found in lua/, as a file or as the init.lua of a folder")
{
    write_text("lua/app/a.lua", "return 'a file'");
    write_text("lua/app/b/init.lua", "return 'a folder'");
    write_text("other.lua", "return 'beside lua/'");
    CHECK_MODULE("return require('app.a') .. require('app.b') .. require('other')", "a filea folderbeside lua/");
}

TEST("chunk names are relative to the application's folder")
{
    write_text("lua/app/where.lua", "return debug.getinfo(1, 'S').source");
    CHECK_MODULE("return require 'app.where'", "@lua/app/where.lua");
    CHECK_MODULE("return select(2, require 'app.where')", "lua/app/where.lua");
}

TEST("an error in a module begins with its short path and line")
{
    write_text("lua/app/fails.lua", "\nerror 'no'");
    write_text("lua/app/syntax.lua", "\n\nlocal = 1");
    CHECK_MODULE("require 'app.fails'", "lua/app/fails.lua:2: no");
    CHECK_MODULE("require 'app.syntax'", "lua/app/syntax.lua:3: <name> expected near '='");
}

TEST("an undeclared global is a load error of the module")
{
    write_text("lua/app/slip.lua", "local function f()\n  return taks\nend\nreturn f");
    CHECK_MODULE("require 'app.slip'", "lua/app/slip.lua:2: undeclared global 'taks'");
}

TEST("a module of the application has the application's globals, a spec's helper has Lua's")
{
    write_text("lua/app/inside.lua", "return tostring(os.exit)");
    write_text("spec/outside.lua", "a_global = type(os.exit) return a_global");
    CHECK_MODULE("return require('app.inside') .. require('spec.outside')", "nilfunction");
}

TEST("a file that begins with a byte order mark is read")
{
    write_text("lua/app/mark.lua", "\xEF\xBB\xBFreturn 'read'");
    CHECK_MODULE("return require 'app.mark'", "read");
}

TEST("an empty file is a module")
{
    write_text("lua/app/empty.lua", "");
    CHECK_MODULE("return tostring(require 'app.empty')", "true");
}

TEST("bytecode is not a module")
{
    CHECK_MODULE(
        "local d = ... local f = io.open(d .. '/lua/app/code.lua', 'w') f:write(string.dump(function() end)) f:close() "
        "require 'app.code'",
        "lua/app/code.lua: this is bytecode, and only text is loaded");
}

TEST("a missing module is told with the places that were tried, short")
{
    CHECK_MODULE("require 'app.missing'",
                 "run:1: module 'app.missing' not found:\n\tno file 'lua/app/missing.lua'\n\tno file "
                 "'lua/app/missing/init.lua'\n\tno file 'app/missing.lua'");
}

TEST("a module that application code misses is told with its line")
{
    write_text("lua/app/misses.lua", "local a = 1\nrequire 'neap.nowhere'");
    CHECK_MODULE("require 'app.misses'",
                 "lua/app/misses.lua:2: module 'neap.nowhere' not found:\n\tno module 'neap.nowhere' in this binary");
}

TEST("a folder of the name of a module is no module")
{
    write_text("lua/app/tree.lua/x", "");
    CHECK_MODULE("return tostring(pcall(require, 'app.tree'))", "false");
}

TEST("a module that package.path finds elsewhere is loaded as Lua would")
{
    CHECK_MODULE(
        "local d = ... os.execute('mkdir -p ' .. d .. '-else') "
        "local f = io.open(d .. '-else/foreign.lua', 'w') f:write('global_of_foreign = 1 return type(os.exit)') f:close() "
        "package.path = package.path .. ';' .. d .. '-else/?.lua' local found = require 'foreign' "
        "os.execute('rm -r ' .. d .. '-else') return found",
        "function");
}

TEST("a C module is found, and told nothing of when it is missing")
{
    CHECK_MODULE("return type(require 'cjson')", "table");
    CHECK_MODULE("return tostring(package.cpath:find('./?.so', 1, true))", "nil");
}

TEST("what is preloaded comes first")
{
    CHECK_MODULE("package.preload['app.a'] = function() return 'preloaded' end return require 'app.a'", "preloaded");
}

TEST("the framework comes from the binary")
{
    write_text("lua/neap/from_app.lua", "return 1");
    CHECK_MODULE("return tostring(pcall(require, 'neap.from_app'))", "false");
    CHECK_MODULE("require 'neap.nowhere'",
                 "run:1: module 'neap.nowhere' not found:\n\tno module 'neap.nowhere' in this binary");
    for (size_t i = 1; i < embed_count; i++) {
        CHECK(strcmp(embed_files[i - 1].name, embed_files[i].name) < 0);
    }
}

TEST("every file of the framework is found by its name and compiles")
{
    lua_State *L = open_state(NULL);
    for (size_t i = 0; i < embed_count; i++) {
        lua_settop(L, 0);
        CHECK_INT(load_embedded(L, embed_files[i].name), 2);
        CHECK(lua_isfunction(L, -2));
    }
    lua_close(L);
}

TEST("the framework's chunks have the names of their files, from the binary as from NEAP_HOME")
{
    CHECK_MODULE("return debug.getinfo(require('neap.base.keys').sorted, 'S').source", "@lua/neap/base/keys.lua");
    CHECK_MODULE("return debug.getinfo(package.searchers[2]('neap.boot'), 'S').source", "@lua/neap/boot/init.lua");
    for (size_t i = 0; i < embed_count; i++) {
        const char *path = embed_files[i].chunk_name + 1;
        CHECK(access(path, R_OK) == 0); /* specs run in the folder of the sources */
    }
}

TEST("the framework's files use no undeclared global")
{
    lua_State *L = open_state(NULL);
    for (size_t i = 0; i < embed_count; i++) {
        lua_settop(L, 0);
        CHECK_INT(load_embedded(L, embed_files[i].name), 2);
        lua_pop(L, 1);
        sandbox_enter(L, embed_files[i].name);
    }
    lua_close(L);
}

TEST("with NEAP_HOME the framework comes from there and from nowhere else")
{
    write_text("home/lua/neap/mine.lua", "return debug.getinfo(1, 'S').source");
    write_text("home/lua/neap/init.lua", "return debug.getinfo(1, 'S').source .. type(os.exit)");
    char home[128];
    snprintf(home, sizeof(home), "%s/home", folder);
    check_run(__FILE__, __LINE__, home, "return require('neap.mine') .. require 'neap'",
              "@lua/neap/mine.lua@lua/neap/init.luafunction");
    check_run(__FILE__, __LINE__, home, "return tostring(pcall(require, 'neap.errors'))", "false");
}
