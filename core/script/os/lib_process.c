#define _GNU_SOURCE /* execvpe */
/* os.spawn, os.exec and the methods of a process. */
#include "script/os/lib_os.h"
#include "script/os/subprocess.h"
#include "script/os/subprocess_spec.h"
#include "script/runtime/env.h"
#include "script/runtime/userdata.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROCESS_TYPE "neap.os.process"

/* A tool that hangs is found out by its caller's deadline first; this is for the caller that set none. */
static const double wait_seconds = 600;

struct handle {           /* the userdata */
    struct subprocess *p; /* owned; NULL: closed */
    double timeout;       /* seconds that one read, write or wait may take */
    int pid;
};

static struct handle *check_handle(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, PROCESS_TYPE);
    if (h->p == NULL)
        luaL_error(L, "the process is closed");
    return h;
}

static int stream_fd(lua_State *L, int arg, int otherwise)
{
    static const char *const names[] = {"stdin", "stdout", "stderr", NULL};
    if (lua_isnoneornil(L, arg))
        return otherwise;
    if (lua_type(L, arg) == LUA_TSTRING)
        return luaL_checkoption(L, arg, NULL, names);
    lua_Integer fd = luaL_checkinteger(L, arg);
    luaL_argcheck(L, fd >= 0 && fd < SUBPROCESS_FDS_MAX, arg, "not a descriptor of the process");
    return (int)fd;
}

static struct channel *check_stream(lua_State *L, const struct handle *h, int arg, int otherwise)
{
    int fd = stream_fd(L, arg, otherwise);
    if (h->p->streams[fd] == NULL)
        luaL_error(L, "descriptor %d of the process is not a pipe", fd);
    return h->p->streams[fd];
}

static int l_read(lua_State *L)
{
    struct handle *h = check_handle(L);
    return channel_read(L, check_stream(L, h, 2, 1), "proc:read", h->timeout);
}

static int l_read_until(lua_State *L)
{
    struct handle *h = check_handle(L);
    return channel_read_until(L, check_stream(L, h, 3, 1), 2, "proc:read_until", h->timeout);
}

static int l_write(lua_State *L)
{
    struct handle *h = check_handle(L);
    return channel_write(L, check_stream(L, h, 3, 0), 2, "proc:write", h->timeout);
}

static int l_close_stdin(lua_State *L)
{
    struct handle *h = check_handle(L);
    channel_close(check_stream(L, h, 2, 0));
    return 0;
}

static int signal_number(lua_State *L, int arg)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"TERM", SIGTERM}, {"KILL", SIGKILL}, {"INT", SIGINT},   {"HUP", SIGHUP},   {"QUIT", SIGQUIT}, {"USR1", SIGUSR1},
        {"USR2", SIGUSR2}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}, {"ABRT", SIGABRT}, {"PIPE", SIGPIPE}, {"WINCH", SIGWINCH},
    };
    if (lua_type(L, arg) == LUA_TNUMBER || lua_isnoneornil(L, arg))
        return (int)luaL_optinteger(L, arg, SIGTERM);
    const char *name = luaL_checkstring(L, arg);
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].number;
    }
    return luaL_argerror(L, arg, "not a signal");
}

static int l_kill(lua_State *L)
{
    struct handle *h = check_handle(L);
    int rc = subprocess_kill(h->p, signal_number(L, 2));
    if (rc < 0)
        return channel_push_error(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

static int push_timeout(lua_State *L)
{
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return 2;
}

static int push_exit(lua_State *L, void *arg)
{
    const struct subprocess *p = arg;
    if (p->dropped)
        return channel_push_error(L, UV_ECANCELED);
    if (!p->exited)
        return push_timeout(L);
    lua_pushinteger(L, (lua_Integer)p->code);
    if (p->signal == 0)
        return 1;
    lua_pushinteger(L, p->signal);
    return 2;
}

static int l_wait(lua_State *L)
{
    struct handle *h = check_handle(L);
    double seconds = waiter_check_seconds(L, 2, h->timeout);
    if (h->p->exited)
        return push_exit(L, h->p);
    h->p->waiter.push = push_exit;
    h->p->waiter.arg = h->p;
    return waiter_start(L, &h->p->waiter, "proc:wait", seconds);
}

static void drop(struct handle *h)
{
    subprocess_drop(h->p);
    h->p = NULL;
}

static int l_close(lua_State *L)
{
    drop(luaL_checkudata(L, 1, PROCESS_TYPE));
    return 0;
}

static int l_index(lua_State *L)
{
    const struct handle *h = luaL_checkudata(L, 1, PROCESS_TYPE);
    const char *key = luaL_checkstring(L, 2);
    if (strcmp(key, "pid") == 0) {
        lua_pushinteger(L, h->pid);
    } else if (strcmp(key, "timeout") == 0) {
        lua_pushnumber(L, h->timeout);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

static int l_newindex(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, PROCESS_TYPE);
    if (strcmp(luaL_checkstring(L, 2), "timeout") != 0)
        return luaL_error(L, "a process has no field '%s' to set", lua_tostring(L, 2));
    luaL_checknumber(L, 3);
    h->timeout = waiter_check_seconds(L, 3, wait_seconds);
    return 0;
}

static const luaL_Reg methods[] = {
    {"read", l_read}, {"read_until", l_read_until}, {"write", l_write}, {"close_stdin", l_close_stdin}, {"kill", l_kill},
    {"wait", l_wait}, {"close", l_close},           {NULL, NULL},
};

static const luaL_Reg meta[] = {{"__newindex", l_newindex}, {"__gc", l_close}, {"__close", l_close}, {NULL, NULL}};

static struct handle *push_handle(lua_State *L)
{
    struct handle *h = lua_newuserdatauv(L, sizeof(*h), 0);
    *h = (struct handle){.timeout = wait_seconds};
    userdata_metatable(L, PROCESS_TYPE, methods, meta, l_index);
    lua_setmetatable(L, -2);
    return h;
}

/* Pushes the process. A program that is not there is a mistake in the command or the machine: raised, with its name. */
static struct handle *spawn(lua_State *L)
{
    struct subprocess_spec spec;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    subprocess_spec_read(L, 1, &spec);
    struct handle *h = push_handle(L);
    int rc = subprocess_spawn(engine_env(L), &spec, &h->p);
    if (rc < 0)
        luaL_error(L, spec.cwd ? "%s: %s (in %s)" : "%s: %s", spec.argv[0], uv_strerror(rc), spec.cwd);
    h->pid = (int)h->p->handle.pid;
    /* Who has the terminal ends when its person wants it to. */
    if (spec.stdio[0] == STDIO_INHERIT)
        h->timeout = (double)INFINITY;
    return h;
}

static int l_spawn(lua_State *L)
{
    spawn(L);
    return 1;
}

/* The program takes this process's place, with its terminal. Returns only by an error. */
static int l_replace(lua_State *L)
{
    struct subprocess_spec spec;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    subprocess_spec_read(L, 1, &spec);
    if (spec.cwd && chdir(spec.cwd) < 0)
        return luaL_error(L, "%s: %s", spec.cwd, strerror(errno));

    /* What is ignored, blocked or closed on exec here would stay so in the program. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        fcntl(fd, F_SETFD, 0);
    sigset_t none;
    sigemptyset(&none);
    fflush(NULL);
    void (*before)(int) = signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (spec.env)
        execvpe(spec.argv[0], spec.argv, spec.env);
    else
        execvp(spec.argv[0], spec.argv);
    int why = errno;
    signal(SIGPIPE, before);
    return luaL_error(L, "%s: %s", spec.argv[0], strerror(why));
}

/* ---- exec: spawn, collect, wait ---- */

static void on_give_up(void *arg)
{
    struct subprocess *p = arg;
    (void)subprocess_kill(p, SIGKILL);
}

static void push_output(lua_State *L, const struct channel *ch)
{
    lua_pushlstring(L, ch && ch->in.n ? ch->in.p : "", ch ? ch->in.n : 0);
}

/* The handle is at index 1. */
static int push_collected(lua_State *L, void *arg)
{
    struct subprocess *p = arg;
    if (!subprocess_is_collected(p)) {
        (void)subprocess_kill(p, SIGKILL);
        return push_timeout(L);
    }
    if (p->too_much) {
        lua_pushnil(L);
        lua_pushliteral(L, "more than 16 MiB of output");
        drop(lua_touserdata(L, 1));
        return 2;
    }
    lua_pushinteger(L, (lua_Integer)p->code);
    push_output(L, p->streams[1]);
    push_output(L, p->streams[2]);
    drop(lua_touserdata(L, 1));
    return 3;
}

/* Field stdin_data is written to the child, which then sees the end of its stdin. */
static int queue_input(lua_State *L, struct subprocess *p, int index)
{
    size_t n;
    const char *input = lua_tolstring(L, index, &n);
    if (input == NULL || p->streams[0] == NULL)
        return 0;
    return channel_send_last(p->streams[0], input, n);
}

/* With to_end, neither a signal to our group nor the end of the task that waits ends the child. */
static int l_exec(lua_State *L)
{
    (void)script_task(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    struct handle *h = spawn(L);
    int handle_index = lua_gettop(L);

    struct subprocess *p = h->p;
    subprocess_collect(p);
    lua_getfield(L, 1, "timeout");
    double seconds = lua_isnil(L, -1) ? h->timeout : lua_tonumber(L, -1);
    lua_getfield(L, 1, "stdin_data");
    int rc = queue_input(L, p, -1);
    lua_getfield(L, 1, "to_end");
    p->waiter.to_end = lua_toboolean(L, -1);
    lua_pushvalue(L, handle_index);
    lua_replace(L, 1);
    if (rc < 0)
        return channel_push_error(L, rc);
    p->waiter.push = push_collected;
    p->waiter.arg = p;
    p->waiter.on_give_up = on_give_up;
    return waiter_start(L, &p->waiter, "os.exec", seconds);
}

const luaL_Reg lib_process_functions[] = {{"spawn", l_spawn}, {"exec", l_exec}, {"replace", l_replace}, {NULL, NULL}};
