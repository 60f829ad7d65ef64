#include "core/script/json/lib_json.c"
#include "spec/core/test.h"
#include <lualib.h>
#include <stdlib.h>

static lua_State *L;
static size_t allowed = SIZE_MAX, used;

static void *limited(void *ud, void *p, size_t old, size_t n)
{
    (void)ud;
    old = p == NULL ? 0 : old;
    if (n > old && used + n - old > allowed)
        return NULL;
    used = used + n - old;
    if (n == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, n);
}

static void start(void)
{
    used = 0;
    L = lua_newstate(limited, NULL);
    luaL_openlibs(L);
    luaL_requiref(L, "json", luaopen_neap_json, 1);
    lua_settop(L, 0);
}

/* The chunk asserts what it shows. */
static void check_lua(const char *chunk)
{
    start();
    if (luaL_dostring(L, chunk) != LUA_OK) {
        printf("    %s\n", lua_tostring(L, -1));
        lua_close(L);
        test_fail(__FILE__, __LINE__, "the chunk failed");
    }
    lua_close(L);
}

TEST("decoded values have their types")
{
    check_lua("local v = json.decode('{\"i\":1,\"f\":1.0,\"big\":9007199254740993,\"s\":\"x\\\\u00e9\",\"t\":true,' .."
              "  '\"n\":null,\"a\":[1,[]],\"o\":{}}')"
              "assert(math.type(v.i) == 'integer' and math.type(v.f) == 'float' and v.big == 9007199254740993)"
              "assert(v.s == 'x\\xc3\\xa9' and v.t == true and v.n == json.null and v.a[1] == 1 and #v.a == 2)"
              "assert(getmetatable(v.a).__name == 'neap.json.array' and getmetatable(v.a[2]).__name == 'neap.json.array')"
              "assert(getmetatable(v.o) == nil and next(v.o) == nil)");
    check_lua("assert(json.decode ' \"x\" ' == 'x' and json.decode '5' == 5 and json.decode 'null' == json.null)");
}

TEST("null is one value that prints itself")
{
    check_lua("assert(tostring(json.null) == 'null' and type(json.null) == 'userdata' and json.null)");
}

TEST("a text that is no JSON gives nil, a message and a position")
{
    check_lua("local v, message, at = json.decode '[1,}'"
              "assert(v == nil and message == 'unexpected character' and at == 4)");
    check_lua("local v, message, at = json.decode '' assert(v == nil and message == 'empty' and at == 1)");
    check_lua("assert(json.decode(('['):rep(64) .. (']'):rep(64)))"
              "assert(select(2, json.decode(('['):rep(65) .. (']'):rep(65))) == 'nested too deeply')");
    check_lua("assert(not pcall(json.decode, 5) and not pcall(json.decode) and not pcall(json.decode, {}))");
}

TEST("what was decoded is encoded to the same text")
{
    check_lua("for _, text in ipairs { '[]', '{}', '[[],{}]', '[1,1.0,-0.5,1e+300,\"a\",null,true]',"
              "  '{\"a\":[{\"b\":[]}]}' } do "
              "  assert(json.encode(json.decode(text)) == text, text) end");
}

TEST("an error of encode is raised with its place")
{
    check_lua("local ok, e = pcall(json.encode, {a = {print}})"
              "assert(not ok and e:find('a[1]: a function cannot be JSON', 1, true), e)");
    check_lua("assert(not pcall(json.encode))");
}

TEST("marks go onto plain tables only")
{
    check_lua("local t = {} assert(json.array(t) == t and json.encode(t) == '[]')"
              "assert(json.object(t) == t and json.encode(t) == '{}')"
              "assert(not pcall(json.array, setmetatable({}, {})) and not pcall(json.array, 'x'))");
}

TEST("a raw value goes out as it is and is decoded when somebody looks")
{
    check_lua("local r = json.raw '{ \"n\": 1.50, \"list\": [1, 2] }'"
              "assert(json.encode { data = r } == '{\"data\":{ \"n\": 1.50, \"list\": [1, 2] }}')"
              "assert(tostring(r) == '{ \"n\": 1.50, \"list\": [1, 2] }')"
              "assert(r.n == 1.5 and r.list[2] == 2 and r.absent == nil)");
    check_lua("local r = json.raw '[1,2,3]' local sum = 0 for _, v in ipairs(r) do sum = sum + v end "
              "for _, v in pairs(r) do sum = sum + v end assert(sum == 12 and #r == 3)");
    check_lua("assert(json.decode(json.raw '5') == 5 and json.decode(json.raw 'null') == json.null)");
    check_lua("local ok, e = pcall(function() return json.raw('5').x end)"
              "assert(not ok and e:find 'no table but a number', e)");
}

TEST("a raw value that was looked at and changed is written changed")
{
    check_lua("local r = json.raw '{\"list\":[1]}' r.list[2] = 2 assert(json.encode { r } == '[{\"list\":[1,2]}]')"
              "assert(json.encode(r) == '{\"list\":[1,2]}' and tostring(r) == '{\"list\":[1,2]}')");
    check_lua("local r = json.raw '{}' r.x = 1 assert(json.encode(r) == '{\"x\":1}')");
    check_lua("local r = json.raw '{}' r.x = {print} local ok, e = pcall(json.encode, {a = r})"
              "assert(not ok and e:find('a.x[1]: a function', 1, true), e)");
    check_lua("local r = json.raw 'null' json.decode(r) assert(json.encode(r) == 'null')");
}

TEST("a text that is no JSON never becomes a raw value")
{
    check_lua("local ok, e = pcall(json.raw, '[1') assert(not ok and e:find('unexpected end at position 3', 1, true), e)"
              "assert(not pcall(json.raw, '') and not pcall(json.raw, 5))");
}

TEST("a document deeper than Lua's C stack limit of 200 calls is pushed")
{
    char text[1001];
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;

    memset(text, '[', 500);
    memset(text + 500, ']', 500);
    start();
    CHECK(json_read(slice_of(text, 1000), 500, &a, &doc, &err) == JSON_OK);
    json_push_doc(L, &doc);
    CHECK_INT(lua_gettop(L), 1);
    for (int depth = 1; depth < 500; depth++)
        CHECK(lua_rawgeti(L, 1, 1) == LUA_TTABLE && (lua_replace(L, 1), true));
    CHECK_INT(lua_rawlen(L, 1), 0);
    lua_close(L);
    arena_free(&a);
}

TEST("a memory limit ends decode with an error wherever it strikes, and nothing leaks")
{
    static const char chunk[] =
        "return json.decode('[' .. ('{\"some key\":[1,2,3,\"some value that is long\"]},'):rep(200) .. '1]')";
    int failed = 0, worked = 0;
    for (size_t room = 1000; room < 300000; room += 5003) {
        start();
        CHECK(luaL_loadstring(L, chunk) == LUA_OK);
        allowed = used + room;
        int rc = lua_pcall(L, 0, 1, 0);
        CHECK(rc == LUA_OK || rc == LUA_ERRMEM);
        failed += rc != LUA_OK;
        worked += rc == LUA_OK;
        allowed = SIZE_MAX;
        lua_close(L);
    }
    CHECK(failed > 5 && worked > 5);
}
