#include "script/os/subprocess_spec.h"
#include <lauxlib.h>
#include <string.h>

enum { ARGS_MAX = 4096 };

/* Copies the text of the value on top into an anchor table, so that numbers may stand for their text. Pops it. */
static char *keep(lua_State *L, int anchor)
{
    const char *text = luaL_tolstring(L, -1, NULL);
    lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
    lua_pop(L, 1);
    return (char *)(uintptr_t)text; /* libuv's arrays are of char *, and only read */
}

static bool is_text(lua_State *L, int index)
{
    int type = lua_type(L, index);
    return type == LUA_TSTRING || type == LUA_TNUMBER;
}

static char **read_argv(lua_State *L, int index, int anchor)
{
    size_t n = lua_rawlen(L, index);
    if (n == 0 || n > ARGS_MAX)
        luaL_error(L, "spawn: the command is missing: { \"program\", \"argument\", ... }");
    char **argv = lua_newuserdatauv(L, (n + 1) * sizeof(*argv), 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        if (!is_text(L, -1))
            luaL_error(L, "spawn: argument %d is a %s, not a string", (int)i + 1, luaL_typename(L, -1));
        argv[i] = keep(L, anchor);
    }
    argv[n] = NULL;
    return argv;
}

static char **read_env(lua_State *L, int index, int anchor)
{
    if (lua_getfield(L, index, "env") == LUA_TNIL)
        return NULL;
    if (!lua_istable(L, -1))
        luaL_error(L, "spawn: env must be a table { NAME = value }");
    int table = lua_gettop(L);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        n++;
    char **env = lua_newuserdatauv(L, (n + 1) * sizeof(*env), 0);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !is_text(L, -1))
            luaL_error(L, "spawn: env holds something that is not text");
        const char *value = luaL_tolstring(L, -1, NULL);
        lua_pushfstring(L, "%s=%s", lua_tostring(L, -3), value);
        env[i++] = keep(L, anchor);
        lua_pop(L, 1);
    }
    env[n] = NULL;
    return env;
}

/* The value on top: "pipe", "inherit", "null", or a descriptor of ours. Pops it. */
static void read_stdio(lua_State *L, struct subprocess_spec *spec, int fd)
{
    const char *how = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (lua_isinteger(L, -1)) {
        spec->stdio[fd] = STDIO_INHERIT;
        spec->inherited[fd] = (int)lua_tointeger(L, -1);
    } else if (strcmp(how, "pipe") == 0) {
        spec->stdio[fd] = STDIO_PIPE;
    } else if (strcmp(how, "inherit") == 0) {
        spec->stdio[fd] = STDIO_INHERIT;
        spec->inherited[fd] = fd;
    } else if (strcmp(how, "null") == 0) {
        spec->stdio[fd] = STDIO_NULL;
    } else if (!lua_isnil(L, -1)) {
        luaL_error(L, "spawn: descriptor %d must be \"pipe\", \"inherit\", \"null\" or a number", fd);
    }
    lua_pop(L, 1);
    if (fd >= spec->fds_n)
        spec->fds_n = fd + 1;
}

static void read_fds(lua_State *L, int index, struct subprocess_spec *spec)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    for (int fd = 0; fd < 3; fd++) {
        spec->stdio[fd] = fd == 0 ? STDIO_NULL : STDIO_PIPE;
        lua_getfield(L, index, names[fd]);
        read_stdio(L, spec, fd);
    }
    if (lua_getfield(L, index, "stdin_data") == LUA_TSTRING)
        spec->stdio[0] = STDIO_PIPE;
    lua_pop(L, 1);
    if (lua_getfield(L, index, "fds") == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2);) {
            lua_Integer fd = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : -1; /* the key; read_stdio pops the value */
            if (fd < 3 || fd >= SUBPROCESS_FDS_MAX)
                luaL_error(L, "spawn: fds takes descriptors from 3 to %d", SUBPROCESS_FDS_MAX - 1);
            read_stdio(L, spec, (int)fd);
        }
    }
    lua_pop(L, 1);
}

static int read_id(lua_State *L, int index, const char *key)
{
    int type = lua_getfield(L, index, key);
    if (type != LUA_TNIL && !lua_isinteger(L, -1))
        luaL_error(L, "spawn: %s must be a number", key);
    int id = type == LUA_TNIL ? -1 : (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return id;
}

void subprocess_spec_read(lua_State *L, int index, struct subprocess_spec *spec)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    *spec = (struct subprocess_spec){0};
    lua_newtable(L);
    int anchor = lua_gettop(L);
    spec->argv = read_argv(L, index, anchor);
    spec->env = read_env(L, index, anchor);
    spec->uid = read_id(L, index, "uid");
    spec->gid = read_id(L, index, "gid");
    spec->apart = lua_getfield(L, index, "to_end") != LUA_TNIL && lua_toboolean(L, -1);
    lua_pop(L, 1);
    read_fds(L, index, spec);
    if (lua_getfield(L, index, "cwd") != LUA_TNIL)
        spec->cwd = keep(L, anchor);
}
