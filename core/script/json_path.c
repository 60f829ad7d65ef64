#include "script/json_path.h"
#include "base/slice.h"
#include <ctype.h>
#include <stdio.h>

enum { KEY_SHOWN = 48, PATH_MAX_BYTES = 400 };

static bool is_name(struct slice s)
{
    if (s.n == 0 || s.n > KEY_SHOWN || isdigit((unsigned char)s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    return true;
}

static int put_key(lua_State *L, int at, char *out, size_t room, bool first)
{
    struct slice s;

    if (lua_type(L, at) != LUA_TSTRING)
        return snprintf(out, room, "[%lld]", (long long)lua_tointeger(L, at));
    s.p = lua_tolstring(L, at, &s.n);
    if (is_name(s))
        return snprintf(out, room, "%s%.*s", first ? "" : ".", (int)s.n, s.p);
    return snprintf(out, room, "[\"%.*s\"]", KEY_SHOWN, s.p);
}

void json_path_fail(lua_State *L, int root, int at, const char *what, char err[static ERR_MAX])
{
    size_t n = 0;

    for (int key = root + 1; key < at && n < PATH_MAX_BYTES; key += 2)
        n += (size_t)put_key(L, key, err + n, ERR_MAX - n, key == root + 1);
    if (n >= PATH_MAX_BYTES)
        n += (size_t)snprintf(err + n, ERR_MAX - n, "...");
    snprintf(err + n, ERR_MAX - n, "%s%s", n > 0 ? ": " : "", what);
}

bool json_path_is_cycle(lua_State *L, int root, int at)
{
    for (int above = root; above < at; above += 2)
        if (lua_rawequal(L, above, at))
            return true;
    return false;
}
