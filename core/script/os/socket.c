#include "script/os/socket.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>
#include <string.h>

#define SOCKET_TYPE "neap.os.socket"

static const double timeout_default = 5;

static struct socket *check_open(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, SOCKET_TYPE);
    if (s->ch == NULL)
        luaL_error(L, "the socket is closed");
    return s;
}

static int l_read(lua_State *L)
{
    struct socket *s = check_open(L);
    if (lua_isnoneornil(L, 2))
        return channel_read(L, s->ch, "read", s->timeout);
    return channel_read_bytes(L, s->ch, luaL_checkinteger(L, 2), "read", s->timeout);
}

static int l_read_until(lua_State *L)
{
    struct socket *s = check_open(L);
    return channel_read_until(L, s->ch, 2, "read_until", s->timeout);
}

static int l_write(lua_State *L)
{
    struct socket *s = check_open(L);
    return channel_write(L, s->ch, 2, "write", s->timeout);
}

static int l_shutdown(lua_State *L)
{
    return channel_shutdown(L, check_open(L)->ch);
}

static int l_reset(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, SOCKET_TYPE);
    if (s->ch)
        channel_reset(s->ch);
    channel_drop(s->ch);
    s->ch = NULL;
    return 0;
}

static int l_close(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, SOCKET_TYPE);
    channel_drop(s->ch);
    s->ch = NULL;
    return 0;
}

/* One field beside the methods: timeout. */
static int l_index(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, SOCKET_TYPE);
    if (strcmp(luaL_checkstring(L, 2), "timeout") == 0) {
        lua_pushnumber(L, s->timeout);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

static int l_newindex(lua_State *L)
{
    struct socket *s = luaL_checkudata(L, 1, SOCKET_TYPE);
    if (strcmp(luaL_checkstring(L, 2), "timeout") != 0)
        return luaL_error(L, "a socket has no field '%s' to set", lua_tostring(L, 2));
    luaL_checknumber(L, 3);
    s->timeout = waiter_check_seconds(L, 3, timeout_default);
    return 0;
}

static const luaL_Reg methods[] = {
    {"read", l_read},   {"read_until", l_read_until}, {"write", l_write}, {"shutdown", l_shutdown},
    {"close", l_close}, {"reset", l_reset},           {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", l_newindex},
    {"__gc", l_close},
    {"__close", l_close},
    {NULL, NULL},
};

struct socket *socket_push(lua_State *L)
{
    struct socket *s = lua_newuserdatauv(L, sizeof(*s), 0);
    *s = (struct socket){.timeout = timeout_default};
    userdata_metatable(L, SOCKET_TYPE, methods, meta, l_index);
    lua_setmetatable(L, -2);
    return s;
}
