#ifndef SCRIPT_OS_LIB_OS_H
#define SCRIPT_OS_LIB_OS_H
/* neap.core.os: files, processes, sockets and the terminal, for commands and specs. A service never loads it, so file
 * calls block. What can fail returns nil, a message and the errno, as Lua's own io library does; what waits says so. */
#include <lauxlib.h>

int luaopen_neap_core_os(lua_State *L);
int luaopen_neap_core_files(lua_State *L); /* of lib_fs.c, what a service may have of files */

/* The parts, each in lib_<name>.c. */
extern const luaL_Reg lib_fs_functions[];
extern const luaL_Reg lib_process_functions[];
extern const luaL_Reg lib_tcp_functions[];
extern const luaL_Reg lib_lock_functions[];
extern const luaL_Reg lib_terminal_functions[];
#endif
