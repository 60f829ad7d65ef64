#include "core/script/sandbox/sandbox_globals.c"
#include "spec/core/test.h"
#include <lauxlib.h>
#include <lualib.h>

static lua_State *L;

static int on_dump(lua_State *state, const void *p, size_t n, void *out)
{
    (void)state;
    buf_append(out, p, n);
    return 0;
}

static struct buf dump_of(const char *text, int strip)
{
    struct buf dump = BUF_INIT;
    L = L ? L : luaL_newstate();
    CHECK_INT(luaL_loadbuffer(L, text, strlen(text), "@x.lua"), LUA_OK);
    lua_dump(L, on_dump, &dump, strip);
    lua_settop(L, 0);
    return dump;
}

/* "1r:print 2w:x" */
static void check_uses(const char *file, int line, const char *text, const char *want)
{
    struct buf dump = dump_of(text, 0), got = BUF_INIT;
    struct global_uses uses;
    if (!global_uses_read(buf_view(&dump), &uses))
        test_fail(file, line, "the dump is not understood");
    for (size_t i = 0; i < uses.n; i++) {
        const struct global_use *u = &uses.list[i];
        buf_printf(&got, "%s%d%c:%.*s", i ? " " : "", u->line, u->is_write ? 'w' : 'r', (int)u->name.n, u->name.p);
    }
    test_check_str(file, line, text, got.p, got.n, want, strlen(want));
    global_uses_free(&uses);
    buf_free(&got);
    buf_free(&dump);
}
#define CHECK_USES(text, want) check_uses(__FILE__, __LINE__, text, want)

TEST("reads and writes of globals are told apart, with their lines")
{
    CHECK_USES("x = 1\nlocal y = z\n\nreturn w()", "1w:x 2r:z 4r:w");
}

TEST("locals, fields and upvalues are no globals")
{
    CHECK_USES("local t = {} t.x = 1 local function f() t.y = t.x t = nil return f end return t['a b']", "");
}

TEST("functions inside functions are looked into")
{
    CHECK_USES("local function a()\n  return function()\n    return function() deep = 1 end\n  end\nend\nreturn a",
               "3w:deep");
}

TEST("_ENV is followed at any place in the list of upvalues")
{
    CHECK_USES("local a, b, c = 1, 2, 3\nreturn function()\n  local s = a + b + c\n  return function() return s, a, hidden "
               "end\nend",
               "4r:hidden");
}

TEST("a function of several upvalues is asked about each")
{
    CHECK_USES("local t = {}\nreturn function() t.x = 1 y = t.x end", "2w:y");
}

TEST("a local _ENV is nobody's global")
{
    CHECK_USES("local print = print\nlocal _ENV = {}\nx = 1\nprint(x)", "1r:print");
    CHECK_USES("local _ENV = {}\nreturn function() x = 1 return function() return x end end", "");
    CHECK_USES("return function(_ENV) x = 1 return function() return y end end", "");
}

TEST("a local _ENV ends with its block")
{
    CHECK_USES("do local _ENV = {} a = 1 end\nb = 1", "2w:b");
}

TEST("methods and functions of an undeclared table are reads of it")
{
    CHECK_USES("function M.f() end\nfunction M:g() end\nfunction h() end", "1r:M 2r:M 3w:h");
}

TEST("calls, conditions, loops and operators do not hide a global")
{
    CHECK_USES("if a then b() end\nfor i = c, d do e(i) end\nlocal t = { f, [g] = h }\nreturn i .. j, #k, not l, m.n[o]",
               "1r:a 1r:b 2r:c 2r:d 2r:e 3r:f 3r:g 3r:h 4r:i 4r:j 4r:k 4r:l 4r:m 4r:o");
}

TEST("every kind of value may be written to a global")
{
    CHECK_USES("a = nil\nb = true\nc = 'text'\nd = 1.5\ne = function() end\nf = {}\ng, h = 1, 2",
               "1w:a 2w:b 3w:c 4w:d 5w:e 6w:f 7w:g 7w:h");
}

TEST("the line is right after long comments, blank lines and lines that stretch")
{
    CHECK_USES("local a = 1\n\n\n--[[ a\nb\nc ]]\nlocal b = {\n  1,\n  x,\n  2 }\nlocal c =\n  y", "9r:x 12r:y");
}

TEST("the line is right after a jump of more lines than a byte can say")
{
    struct buf text = BUF_INIT;
    buf_str(&text, "local a = first");
    for (int i = 0; i < 1000; i++)
        buf_char(&text, '\n');
    buf_str(&text, "local b = second\nlocal c = third");
    buf_char(&text, '\0');
    CHECK_USES(text.p, "1r:first 1001r:second 1002r:third");
    buf_free(&text);
}

TEST("the line is right in a function of many instructions")
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_str(&text, "do local a = 1 end\n");
    buf_str(&text, "last = 1");
    buf_char(&text, '\0');
    CHECK_USES(text.p, "1001w:last");
    buf_free(&text);
}

/* Constants beyond the 256th do not fit into the instruction; beyond 131,071 not even into LOADK. */
static void check_after_constants(int n, const char *tail, const char *want)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "local t = {");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "'k%d',", i);
    buf_printf(&text, "}\n%s", tail);
    buf_char(&text, '\0');
    CHECK_USES(text.p, want);
    buf_free(&text);
}

TEST("globals are found behind more constants than an instruction can name")
{
    for (int n = 250; n < 260; n++)
        check_after_constants(n, "x = 1\nlocal y = z\nw(v)\nx = f(g, 'p', h.i)", "2w:x 3r:z 4r:v 4r:w 5r:f 5r:g 5r:h 5w:x");
    check_after_constants(140000, "x = 1\nlocal y = z\n", "2w:x 3r:z");
}

TEST("globals are found by names that are longer than short strings")
{
    CHECK_USES("a_name_that_is_longer_than_forty_characters_x = 1\nreturn a_name_that_is_longer_than_forty_characters_y",
               "1w:a_name_that_is_longer_than_forty_characters_x 2r:a_name_that_is_longer_than_forty_characters_y");
}

TEST("behind many constants a table that is local stays local")
{
    check_after_constants(300, "local u = {}\nlocal function f() u.a = 1 u[t] = u.b return u['c'] end", "");
}

TEST("a dump without debug information is refused, not guessed at")
{
    struct buf dump = dump_of("x = 1", 1);
    struct global_uses uses;
    CHECK(!global_uses_read(buf_view(&dump), &uses));
    buf_free(&dump);
}

TEST("another version of the format is refused")
{
    struct buf dump = dump_of("x = 1", 0);
    struct global_uses uses;
    dump.p[4] = 0x53;
    CHECK(!global_uses_read(buf_view(&dump), &uses));
    buf_free(&dump);
}

TEST("a dump that is cut or changed anywhere is read within its bounds")
{
    struct buf dump = dump_of("local a = 1.5 x = a\nreturn function(...) local t <const> = 'k' return y, t, ..., 7 end", 0);
    struct global_uses uses;
    for (size_t n = 0; n < dump.n; n++) {
        CHECK(!global_uses_read(slice_of(dump.p, n), &uses));
    }
    for (size_t i = 0; i < dump.n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            dump.p[i] = (char)(dump.p[i] ^ (1 << bit));
            if (global_uses_read(buf_view(&dump), &uses))
                global_uses_free(&uses);
            dump.p[i] = (char)(dump.p[i] ^ (1 << bit));
        }
    }
    buf_free(&dump);
}
