#include "core/script/json/encode.c"
#include "spec/core/test.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

/* row(metatable, table): the metatable is marked and set; row_of(names, table): it is one with those names. */
static int mark_row(lua_State *L)
{
    json_mark_rows(L, 1);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, 2);
    return 1;
}

static const char row_of[] = "function row_of(names, t) "
                             "local n, unique = #names, true "
                             "for i = 1, n do unique = unique and not names[names[i]] names[names[i]] = i end "
                             "return row({names, unique and n or -n}, t) end";

/* A state with neap.json as the global json, and the value of a Lua expression on top. */
static lua_State *with_value(const char *expression)
{
    static char chunk[4096];
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "json", luaopen_neap_json, 1);
    lua_register(L, "row", mark_row);
    CHECK_INT(luaL_dostring(L, row_of), LUA_OK);
    lua_settop(L, 0);
    snprintf(chunk, sizeof chunk, strstr(expression, "return ") ? "%s" : "return %s", expression);
    if (luaL_dostring(L, chunk) != LUA_OK)
        test_fail(__FILE__, __LINE__, lua_tostring(L, -1));
    return L;
}

static void check_encodes(const char *expression, const char *want)
{
    struct buf out = BUF_INIT;
    char err[ERR_MAX] = "";
    lua_State *L = with_value(expression);
    int top = lua_gettop(L);

    buf_lit(&out, "before:");
    if (json_encode(L, -1, &out, err) != 0)
        printf("    %s: %s\n", expression, err);
    CHECK(err[0] == '\0');
    CHECK_INT(lua_gettop(L), top);
    CHECK_STR(out.p + 7, out.n - 7, want);
    buf_free(&out);
    lua_close(L);
}

/* The chunk asserts what it shows. */
static void check_lua(const char *chunk)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "json", luaopen_neap_json, 1);
    if (luaL_dostring(L, chunk) != LUA_OK)
        test_fail(__FILE__, __LINE__, lua_tostring(L, -1));
    lua_close(L);
}

static void check_refuses(const char *expression, const char *want)
{
    struct buf out = BUF_INIT;
    char err[ERR_MAX] = "";
    lua_State *L = with_value(expression);
    int top = lua_gettop(L);

    buf_lit(&out, "before:");
    CHECK_INT(json_encode(L, -1, &out, err), -1);
    CHECK_STR(err, strlen(err), want);
    CHECK_STR(out.p, out.n, "before:");
    CHECK_INT(lua_gettop(L), top);
    buf_free(&out);
    lua_close(L);
}

TEST("scalars are written exactly")
{
    check_encodes("nil", "null");
    check_encodes("json.null", "null");
    check_encodes("true", "true");
    check_encodes("false", "false");
    check_encodes("math.maxinteger", "9223372036854775807");
    check_encodes("math.mininteger", "-9223372036854775808");
    check_encodes("123456789012345678", "123456789012345678");
    check_encodes("1.0", "1.0");
    check_encodes("0.1 + 0.2", "0.30000000000000004");
    check_encodes("'a\"\\n\\xff'", "\"a\\\"\\n\xef\xbf\xbd\"");
    check_encodes("'12'", "\"12\"");
}

TEST("a table with the keys 1 to n is an array, however it was filled")
{
    check_encodes("{1, 'a', true, {2}}", "[1,\"a\",true,[2]]");
    check_encodes("{[1] = 'a', [2] = 'b', [3] = 'c'}", "[\"a\",\"b\",\"c\"]");
    check_encodes("local t = {} for i = 9, 1, -1 do t[i] = i end return t", "[1,2,3,4,5,6,7,8,9]");
    check_encodes("local t = {} for i = 1, 9 do t[#t + 1] = i end t[9] = nil return t", "[1,2,3,4,5,6,7,8]");
    check_encodes("local t = {x = 1, y = 2} t.x = nil t.y = nil t[2] = 2 t[1] = 1 return t", "[1,2]");
    check_encodes("{json.null, json.null}", "[null,null]");
}

TEST("a table without keys is an object, unless it is marked")
{
    check_encodes("{}", "{}");
    check_encodes("json.array {}", "[]");
    check_encodes("json.array()", "[]");
    check_encodes("json.object {}", "{}");
    check_encodes("{items = json.array {}}", "{\"items\":[]}");
    check_encodes("json.array {1, 2}", "[1,2]");
    check_encodes("json.object {a = 1}", "{\"a\":1}");
}

TEST("objects are nested, and keys are escaped")
{
    check_encodes("{message = 'Hello, World!'}", "{\"message\":\"Hello, World!\"}");
    check_encodes("{['a\"b'] = {['\\n'] = {}}}", "{\"a\\\"b\":{\"\\n\":{}}}");
    check_encodes("{[''] = json.null}", "{\"\":null}");
}

TEST("keys are written in the order of their bytes, whatever order the table has")
{
    check_encodes("{b = 1, a = 2, ab = 3, B = 4, [''] = 5, ['a\\0'] = 6, ['\\xc3\\xa9'] = 7, ['a b'] = 8}",
                  "{\"\":5,\"B\":4,\"a\":2,\"a\\u0000\":6,\"a b\":8,\"ab\":3,\"b\":1,\"\xc3\xa9\":7}");
    check_encodes("{abcdz = 1, abcdab = 2, abcd = 3, abc = 4, abcdabcd = 5}",
                  "{\"abc\":4,\"abcd\":3,\"abcdab\":2,\"abcdabcd\":5,\"abcdz\":1}");
    check_encodes("{prefix_of_nine_b = {y = 1, x = 2}, prefix_of_nine_a = 3, prefix_of = 4}",
                  "{\"prefix_of\":4,\"prefix_of_nine_a\":3,\"prefix_of_nine_b\":{\"x\":2,\"y\":1}}");
}

TEST("objects of any size, nested in each other, come out whole and sorted up to a thousand keys")
{
    check_lua("local function keys(n) local t = {} for i = 1, n do t[('key%05d'):format(i * 7919 % n)] = i end return t end "
              "for _, n in ipairs {15, 16, 17, 47, 48, 49, 97, 1000, 1001, 5000} do "
              "  local t = keys(n) t.key00003 = keys(60) t.key00003.key00005 = keys(200) "
              "  local text = json.encode(t) local back = json.decode(text) "
              "  local function same(a, b) for k, v in pairs(a) do "
              "    if type(v) == 'table' then same(v, b[k]) else assert(b[k] == v) end end end "
              "  same(t, back) same(back, t) "
              "  assert(n > 1000 or json.encode(back) == text) end");
}

TEST("what cannot be JSON is refused with its place")
{
    check_refuses("print", "a function cannot be JSON");
    check_refuses("{items = {{}, {}, {due_at = print}}}", "items[3].due_at: a function cannot be JSON");
    check_refuses("{a = {['b c'] = coroutine.create(print)}}", "a[\"b c\"]: a coroutine cannot be JSON");
    check_refuses("{io.stdout}", "[1]: a userdata cannot be JSON");
    check_refuses("0/0", "a number that is not finite cannot be JSON");
    check_refuses("{price = math.huge}", "price: a number that is not finite cannot be JSON");
    check_refuses("{[1] = 1, a = 2}", "string keys and others in one table cannot be JSON");
    check_refuses("{x = {1, 2, n = 2}}", "x: string keys and others in one table cannot be JSON");
    check_refuses("{x = {1, nil, 3, [10] = 1}}", "x: an array with holes cannot be JSON");
    check_refuses("{[0] = 1}", "an array with holes cannot be JSON");
    check_refuses("{[1.5] = 1}", "a key that is no string and no integer cannot be JSON");
    check_refuses("{[true] = 1}", "a key that is no string and no integer cannot be JSON");
    check_refuses("json.array {a = 1}", "an array with string keys cannot be JSON");
    check_refuses("json.object {1}", "an object's keys must be strings");
}

TEST("a cycle and what is too deep are told apart")
{
    check_refuses("local t = {} t.a = {b = t} return t",
                  "a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b.a.b."
                  "a.b.a.b.a.b.a.b.a.b.a.b.a.b: a table that holds itself cannot be JSON");
    check_encodes("local t = 1 for _ = 1, 64 do t = {t} end return t",
                  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                  "1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    lua_State *L = with_value("local t = {} for _ = 1, 64 do t = {t} end return t");
    struct buf out = BUF_INIT;
    char err[ERR_MAX];
    CHECK_INT(json_encode(L, 1, &out, err), -1);
    CHECK(strstr(err, "[1][1][1]: nested too deeply for JSON"));
    CHECK_INT(out.n, 0);
    buf_free(&out);
    lua_close(L);
}

TEST("a path of long keys is cut")
{
    lua_State *L = with_value("local t = print for _ = 1, 60 do t = {[('k'):rep(1000)] = t} end return t");
    struct buf out = BUF_INIT;
    char err[ERR_MAX];
    CHECK_INT(json_encode(L, 1, &out, err), -1);
    CHECK(strlen(err) < 600 && strstr(err, "...: a function cannot be JSON"));
    buf_free(&out);
    lua_close(L);
}

TEST("no metamethod is called")
{
    check_encodes("setmetatable({a = 1}, {__index = error, __pairs = error, __len = error, __name = 'x'})", "{\"a\":1}");
    check_refuses("{x = setmetatable({print}, {__tostring = error})}", "x[1]: a function cannot be JSON");
}

static int write_answer(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    int answer = *(int *)lua_touserdata(L, index);

    if (answer < 0)
        return fail(err, "there is no answer");
    json_write_int(out, answer);
    return 0;
}

TEST("a userdata writes itself when its metatable is marked so")
{
    lua_State *L = luaL_newstate(); /* neap.json was never required here */
    struct buf out = BUF_INIT;
    char err[ERR_MAX] = "";

    lua_createtable(L, 1, 0);
    *(int *)lua_newuserdatauv(L, sizeof(int), 0) = 42;
    lua_newtable(L);
    json_mark_writer(L, -1, write_answer);
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, 1);
    CHECK_INT(json_encode(L, 1, &out, err), 0);
    CHECK_STR(out.p, out.n, "[42]");
    CHECK_INT(lua_gettop(L), 1);
    lua_rawgeti(L, 1, 1);
    *(int *)lua_touserdata(L, -1) = -1;
    CHECK_INT(json_encode(L, 1, &out, err), -1);
    CHECK_STR(err, strlen(err), "[1]: there is no answer");
    buf_free(&out);
    lua_close(L);
}

TEST("a row has all columns of its metatable, in their order, and then what was added")
{
    check_encodes("row_of({'b', 'gone', 'a'}, {b = 2, a = 1})", "{\"b\":2,\"gone\":null,\"a\":1}");
    check_encodes("{row_of({'a'}, {x = {1}, a = 1})}", "[{\"a\":1,\"x\":[1]}]");
    check_encodes("row_of({'a', 'a'}, {})", "{\"a\":null}");
    check_encodes("row_of({}, {})", "{}");
    check_encodes("{row_of({'id', 'name', 'id'}, {id = 1, x = 2}), row_of({'id', 'name', 'id'}, {})}",
                  "[{\"name\":null,\"id\":1,\"x\":2},{\"name\":null,\"id\":null}]");
    check_refuses("{row_of({'a'}, {a = print})}", "[1].a: a function cannot be JSON");
    check_refuses("{row_of({'a'}, {b = {print}})}", "[1].b[1]: a function cannot be JSON");
    check_refuses("{x = row_of({'a'}, {5})}", "x: string keys and others in one table cannot be JSON");
}

TEST("a row whose metatable a handler has spoiled is a table like others, or refused")
{
    check_encodes("row({}, {b = 2, a = 1})", "{\"a\":1,\"b\":2}");
    check_encodes("row({5, 1}, {a = 1})", "{\"a\":1}");
    check_encodes("row({{'a', a = 1}}, {a = 1})", "{\"a\":1}");
    check_encodes("row({{'a', a = 1}, 'many'}, {a = 1})", "{\"a\":1}");
    check_refuses("row({{'a', a = 1}, 2}, {a = 1})", "string keys and others in one table cannot be JSON");
    check_refuses("row({{7}, 1}, {a = 1})", "string keys and others in one table cannot be JSON");
}

static size_t allowed = SIZE_MAX;

static void *limited(void *ud, void *p, size_t old, size_t n)
{
    (void)ud;
    if (n == 0) {
        free(p);
        return NULL;
    }
    if ((p == NULL || n > old) && n > allowed)
        return NULL;
    return realloc(p, n);
}

TEST("without memory it says so and raises nothing")
{
    lua_State *L = lua_newstate(limited, NULL);
    struct buf out = BUF_INIT;
    char err[ERR_MAX];

    lua_createtable(L, 1, 0);
    for (int i = 0; i < 60; i++) { /* nested so deeply that the stack must grow */
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    }
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 0);
    lua_setmetatable(L, 2);
    allowed = 0;
    CHECK_INT(json_encode(L, 2, &out, err), 0); /* the first metatable of this state: looking at it takes nothing */
    CHECK_STR(out.p, out.n, "{}");
    buf_clear(&out);
    CHECK_INT(json_encode(L, 1, &out, err), -1);
    CHECK(strstr(err, "[1][1]: out of memory"));
    CHECK_INT(out.n, 0);
    CHECK_INT(lua_gettop(L), 2);
    allowed = SIZE_MAX;
    CHECK_INT(json_encode(L, 1, &out, err), 0);
    CHECK_INT(json_encode(L, 2, &out, err), 0);
    buf_free(&out);
    lua_close(L);
}
