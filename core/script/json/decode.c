#include "script/json/decode.h"
#include "base/limits.h"
#include "script/json/json.h"

static int push_protected(lua_State *L)
{
    json_push_doc(L, lua_touserdata(L, 1));
    return 1;
}

/* Its block is kept from one call to the next. A finalizer that runs while values are pushed may decode too; that one
 * brings its own. */
static struct arena kept;
static bool kept_in_use;

enum json_status json_decode(lua_State *L, int index, struct json_error *err)
{
    struct arena own = {0}, *arena = kept_in_use ? &own : &kept;
    struct json_doc doc;
    struct slice text;

    text.p = lua_tolstring(L, index, &text.n);
    kept_in_use = true;
    enum json_status rc = json_read_grammar(text, limits_default.json_depth_max, arena, &doc, err);
    int lua_rc = LUA_OK;
    if (rc == JSON_OK) {
        lua_pushcfunction(L, push_protected);
        lua_pushlightuserdata(L, &doc);
        lua_rc = lua_pcall(L, 1, 1, 0);
    }
    if (arena == &kept) {
        arena_reset(arena);
        kept_in_use = false;
    } else {
        arena_free(arena);
    }
    if (lua_rc != LUA_OK)
        lua_error(L); /* a memory error stays one: Lua knows it by its message */
    return rc;
}
