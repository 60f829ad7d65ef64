#include "core/script/sandbox/sandbox.c"
#include "spec/core/script/bare_state.h"

static lua_State *L;

/* Compiles the text as application code, runs it; its result, or its error. */
static const char *run_inside(const char *text)
{
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
        sandbox_install(L);
    }
    lua_settop(L, 0);
    if (luaL_loadbuffer(L, text, strlen(text), "@app/x.lua") == LUA_OK)
        lua_pcall(L, 0, 1, 0);
    return luaL_tolstring(L, -1, NULL);
}

static int l_enter(lua_State *state)
{
    const char *text = luaL_checkstring(state, 1);
    if (luaL_loadbuffer(state, text, strlen(text), "@lua/app/x.lua") != LUA_OK)
        return lua_error(state);
    sandbox_enter(state, "lua/app/x.lua");
    return 1;
}

static const char *inside(const char *text)
{
    (void)run_inside("");
    lua_settop(L, 0);
    lua_pushcfunction(L, l_enter);
    lua_pushstring(L, text);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        lua_pcall(L, 0, 1, 0);
    return luaL_tolstring(L, -1, NULL);
}

#define CHECK_INSIDE(text, want)             \
    do {                                     \
        const char *got_ = inside(text);     \
        CHECK_STR(got_, strlen(got_), want); \
    } while (0)
#define CHECK_INSIDE_SAYS(text, words)            \
    do {                                          \
        const char *got_ = inside(text);          \
        if (strstr(got_, words) == NULL)          \
            CHECK_STR(got_, strlen(got_), words); \
    } while (0)

TEST("ordinary code runs")
{
    CHECK_INSIDE("local t = {} for k in pairs({ a = 1 }) do t[#t + 1] = string.upper(k) end return table.concat(t)", "A");
    CHECK_INSIDE("return tostring(select('#', require 'string', os.time(), io.open, math.pi, utf8.char))", "5");
}

TEST("an undeclared global is told with file and line before anything runs")
{
    CHECK_INSIDE("local never = 1\nerror('it ran')\nreturn taks", "lua/app/x.lua:3: undeclared global 'taks'");
}

TEST("so is one in a function that nobody calls")
{
    CHECK_INSIDE("local M = {}\nfunction M.f()\n  count = 1\nend\nreturn M",
                 "lua/app/x.lua:3: undeclared global 'count' (declare it local)");
}

TEST("all of them are told, each once a line, up to ten")
{
    CHECK_INSIDE("a()\nb = b", "lua/app/x.lua:1: undeclared global 'a'\nlua/app/x.lua:2: undeclared global 'b'\n"
                               "lua/app/x.lua:2: undeclared global 'b' (declare it local)");
    CHECK_INSIDE("return a, a, a", "lua/app/x.lua:1: undeclared global 'a'");
    CHECK_INSIDE_SAYS("a = 1 b = 1 c = 1 d = 1 e = 1 f = 1 g = 1 h = 1 i = 1 j = 1 k = 1 l = 1",
                      "'j' (declare it local)\nand 2 more");
}

TEST("one of Lua's own globals may not be assigned")
{
    CHECK_INSIDE("string = nil", "lua/app/x.lua:1: assignment to global 'string' (declare it local)");
}

TEST("a global that is made up at run time is an error there")
{
    CHECK_INSIDE("_G['x' .. 1] = 2", "lua/app/x.lua:1: undeclared global 'x1' (declare it local)");
    CHECK_INSIDE("return _G['x' .. 1]", "lua/app/x.lua:1: undeclared global 'x1'");
    CHECK_INSIDE("return tostring(rawget(_G, 'unpack'))", "nil");
}

TEST("a global that the host makes later is seen")
{
    (void)inside("");
    lua_pushliteral(L, "from the host");
    lua_setglobal(L, "describe_later");
    CHECK_INSIDE("return describe_later", "from the host");
}

TEST("print is the host's of that moment")
{
    (void)inside("");
    lua_getglobal(L, "type");
    lua_setglobal(L, "print");
    CHECK_INSIDE("return print(1)", "number");
}

TEST("what would end or stop the process is not there")
{
    CHECK_INSIDE("return tostring(os.exit or os.execute or io.popen or debug.sethook or package.loadlib or os.setlocale)",
                 "nil");
    CHECK_INSIDE("return tostring(require('os').exit or require('io').popen or require('_G').os.exit)", "nil");
    CHECK_INSIDE("return tostring(debug.setmetatable or debug.getregistry or debug.upvaluejoin or debug.setupvalue)", "nil");
    CHECK_INSIDE("return type(debug.traceback()) .. type(debug.getinfo(1))", "stringtable");
}

TEST("package.loaded has the application's libraries, and is otherwise Lua's")
{
    CHECK_INSIDE("local l = package.loaded return tostring(l.os.exit or l.io.popen or l._G.os.exit or l.package.loadlib)",
                 "nil");
    CHECK_INSIDE("for name, library in pairs(package.loaded) do if name == 'os' then return tostring(library.exit) end end",
                 "nil");
    CHECK_INSIDE("package.loaded.mine = 5 local there = require 'mine' package.loaded.mine = nil "
                 "return there .. tostring(pcall(require, 'mine'))",
                 "5false");
    CHECK_INSIDE("return type(package.loaded.string.rep) .. tostring(getmetatable(package.loaded))",
                 "functionpackage.loaded");
}

TEST("the garbage collector may be asked and set to work, not stopped")
{
    CHECK_INSIDE("return math.type(collectgarbage('count')) .. collectgarbage() .. tostring(collectgarbage('isrunning'))",
                 "float0true");
    CHECK_INSIDE_SAYS("collectgarbage('stop')", "invalid option 'stop'");
    CHECK_INSIDE_SAYS("collectgarbage('generational')", "invalid option 'generational'");
}

TEST("the framework's own code keeps all of it")
{
    CHECK_RUN(L ? L : luaL_newstate(), "return type(os.exit) .. type(io.popen) .. type(debug.sethook)",
              "functionfunctionfunction");
}

TEST("load takes text and gives it the application's globals")
{
    CHECK_INSIDE("return load('return 1 + 1')()", "2");
    CHECK_INSIDE("return tostring(load('return os.exit')())", "nil");
    CHECK_INSIDE("return load('return x', 'c', 't', { x = 3 })()", "3");
    CHECK_INSIDE("local parts = { 'return', ' 4' } local i = 0 return load(function() i = i + 1 return parts[i] end)()",
                 "4");
    CHECK_INSIDE("local f, err = load('x = ') return tostring(f) .. err",
                 "nil[string \"x = \"]:1: unexpected symbol near <eof>");
}

TEST("bytecode is refused whatever the mode says")
{
    CHECK_INSIDE_SAYS("local f, err = load(string.dump(function() end), 'b', 'b') return tostring(f) .. err",
                      "nilattempt to load a binary chunk (mode is 't')");
}

TEST("a file that is loaded by hand has the application's globals too")
{
    write_text("by_hand.lua", "return tostring(os.exit) .. select('#', ...)");
    char text[256];
    snprintf(text, sizeof(text), "return loadfile('%s/by_hand.lua')(1) .. dofile('%s/by_hand.lua')", folder, folder);
    CHECK_INSIDE(text, "nil1nil0");
    CHECK_INSIDE_SAYS("return dofile('/nowhere.lua')", "cannot open");
}

TEST("setmetatable works as Lua's, but for __gc")
{
    CHECK_INSIDE("return setmetatable({}, { __index = { x = 'found' } }).x", "found");
    CHECK_INSIDE("return tostring(getmetatable(setmetatable(setmetatable({}, {}), nil)))", "nil");
    CHECK_INSIDE_SAYS("setmetatable(setmetatable({}, { __metatable = 1 }), {})", "cannot change a protected metatable");
    CHECK_INSIDE_SAYS("setmetatable({}, 1)", "nil or table expected");
    CHECK_INSIDE_SAYS("setmetatable({}, { __gc = function() end })", "use a <close> variable");
}

TEST("a file with its own _ENV is its own business")
{
    CHECK_INSIDE("local _ENV = { x = 5 } y = x return y", "5");
}
