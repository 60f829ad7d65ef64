#include "script/json/path.h"
#include "base/slice.h"
#include <ctype.h>
#include <stdio.h>

enum { KEY_SHOWN = 48, PATH_BYTES_MAX = 400 };

static bool is_name(struct slice s)
{
    if (s.n == 0 || s.n > KEY_SHOWN || isdigit((unsigned char)s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    return true;
}

static size_t put_key(lua_State *L, int at, char *out, size_t room, bool first)
{
    struct slice s;
    int n;

    if (lua_type(L, at) != LUA_TSTRING) {
        n = snprintf(out, room, "[%lld]", (long long)lua_tointeger(L, at));
    } else {
        s.p = lua_tolstring(L, at, &s.n);
        if (is_name(s))
            n = snprintf(out, room, "%s%.*s", first ? "" : ".", (int)s.n, s.p);
        else
            n = snprintf(out, room, "[\"%.*s\"]", KEY_SHOWN, s.p);
    }
    return n > 0 ? (size_t)n : 0;
}

/* From the outside in; there are at most JSON_ENCODE_DEPTH. */
static size_t put_path(lua_State *L, const struct json_frame *frame, char *out)
{
    size_t n = frame->up ? put_path(L, frame->up, out) : 0;
    if (frame->key == 0 || n >= PATH_BYTES_MAX)
        return n;
    return n + put_key(L, frame->key, out + n, ERR_MAX - n, n == 0);
}

void json_path_fail(lua_State *L, const struct json_frame *frame, const char *what, char err[static ERR_MAX])
{
    char path[ERR_MAX];
    size_t n = frame ? put_path(L, frame, path) : 0;

    if (n >= PATH_BYTES_MAX)
        memcpy(path + PATH_BYTES_MAX, "...", (n = PATH_BYTES_MAX + 3) - PATH_BYTES_MAX);
    fail(err, "%.*s%s%s", (int)n, path, n > 0 ? ": " : "", what);
}

bool json_path_is_cycle(lua_State *L, const struct json_frame *frame, int at)
{
    for (; frame != NULL; frame = frame->up)
        if (lua_rawequal(L, frame->table, at))
            return true;
    return false;
}
