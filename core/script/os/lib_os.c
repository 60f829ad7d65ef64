#include "script/os/lib_os.h"
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { USER_BYTES_MAX = 4096 };

static int l_uid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)geteuid());
    return 1;
}

static int l_getpid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)getpid());
    return 1;
}

static int l_user(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct passwd user, *found = NULL;
    char memory[USER_BYTES_MAX];
    int rc = getpwnam_r(name, &user, memory, sizeof(memory), &found);
    if (found == NULL) {
        errno = rc ? rc : ENOENT;
        return luaL_fileresult(L, 0, name);
    }
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, (lua_Integer)user.pw_uid);
    lua_setfield(L, -2, "uid");
    lua_pushinteger(L, (lua_Integer)user.pw_gid);
    lua_setfield(L, -2, "gid");
    lua_pushstring(L, user.pw_dir);
    lua_setfield(L, -2, "dir");
    return 1;
}

/* setenv(name, nil) removes it. */
static int l_setenv(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = luaL_optstring(L, 2, NULL);
    int rc = value ? setenv(name, value, 1) : unsetenv(name);
    return luaL_fileresult(L, rc == 0, name);
}

static const luaL_Reg functions[] = {
    {"uid", l_uid}, {"getpid", l_getpid}, {"user", l_user}, {"setenv", l_setenv}, {NULL, NULL},
};

int luaopen_neap_core_os(lua_State *L)
{
    /* A child or peer that went away must be an error of the write to it, not the end of this process. */
    signal(SIGPIPE, SIG_IGN);
    luaL_newlib(L, functions);
    luaL_setfuncs(L, lib_fs_functions, 0);
    luaL_setfuncs(L, lib_process_functions, 0);
    luaL_setfuncs(L, lib_tcp_functions, 0);
    luaL_setfuncs(L, lib_lock_functions, 0);
    luaL_setfuncs(L, lib_terminal_functions, 0);
    return 1;
}
