/* Connecting and listening: TCP and Unix sockets. */
#include "base/mem.h"
#include "script/os/lib_os.h"
#include "script/os/socket.h"
#include "script/runtime/env.h"
#include "script/runtime/userdata.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define LISTENER_TYPE "neap.os.listener"

enum { BACKLOG = 128, PORT_MAX = 65535, PORT_TEXT_MAX = 8 };
static const double connect_seconds = 5, accept_seconds = 5;

/* ---- connecting ---- */

/* One call of os.tcp or os.unix: the addresses of a name are tried in turn. It goes when the task has its answer and
 * libuv has given back both requests. */
struct dial {
    const struct script_env *env; /* borrowed */
    struct waiter waiter;
    struct channel *ch;         /* owned until the socket takes it */
    struct addrinfo *addresses; /* owned */
    struct addrinfo *next;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    int socket_index; /* of the empty socket on the waiting function's stack */
    int error;        /* the last address's */
    bool resolving, connecting, over;
};

static void dial_free_when_over(struct dial *d)
{
    if (!d->over || d->resolving || d->connecting)
        return;
    channel_drop(d->ch);
    if (d->addresses)
        uv_freeaddrinfo(d->addresses);
    free(d);
}

static void on_dial_give_up(void *arg)
{
    struct dial *d = arg;
    d->over = true;
    if (d->resolving)
        uv_cancel((uv_req_t *)&d->resolve);
    if (d->ch)
        channel_close(d->ch);
    dial_free_when_over(d);
}

static int push_dialled(lua_State *L, void *arg)
{
    struct dial *d = arg;
    bool timed_out = d->waiter.timed_out;
    int error = d->error;
    if (!timed_out && error == 0) {
        struct socket *s = lua_touserdata(L, d->socket_index);
        lua_pushvalue(L, d->socket_index);
        s->ch = d->ch;
        d->ch = NULL;
        (void)channel_read_start(s->ch);
    }
    on_dial_give_up(d); /* frees it now, or when libuv gives back what is under way */
    if (timed_out) {
        lua_pushnil(L);
        lua_pushliteral(L, "timeout");
        return 2;
    }
    return error != 0 ? channel_push_error(L, error) : 1;
}

static void try_next(struct dial *d);

static void on_connected(uv_connect_t *req, int status)
{
    struct dial *d = LIST_OF(req, struct dial, connect);
    d->connecting = false;
    if (d->over) {
        dial_free_when_over(d);
        return;
    }
    d->error = status;
    if (status < 0 && d->next)
        try_next(d);
    else
        waiter_end(&d->waiter);
}

static int connect_one(struct dial *d, const struct sockaddr *address)
{
    channel_drop(d->ch);
    d->ch = channel_new(d->env, CHANNEL_TCP);
    int rc = uv_tcp_connect(&d->connect, &d->ch->u.tcp, address, on_connected);
    d->connecting = rc == 0;
    return rc;
}

static void try_next(struct dial *d)
{
    while (d->next) {
        const struct sockaddr *address = d->next->ai_addr;
        d->next = d->next->ai_next;
        d->error = connect_one(d, address);
        if (d->error == 0)
            return;
    }
    waiter_end(&d->waiter);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *addresses)
{
    struct dial *d = LIST_OF(req, struct dial, resolve);
    d->resolving = false;
    d->addresses = d->next = addresses;
    if (d->over) {
        dial_free_when_over(d);
        return;
    }
    d->error = status;
    try_next(d);
}

static struct dial *dial_new(lua_State *L)
{
    const struct script_env *env = engine_env(L);
    struct dial *d = mem_zalloc(sizeof(*d));
    d->env = env;
    waiter_init(&d->waiter, env->wheel);
    d->waiter.push = push_dialled;
    d->waiter.arg = d;
    d->waiter.on_give_up = on_dial_give_up;
    d->socket_index = lua_gettop(L);
    return d;
}

/* Nothing is under way: the reason is told without a wait. */
static int dial_fail(lua_State *L, struct dial *d, int rc)
{
    on_dial_give_up(d);
    return channel_push_error(L, rc);
}

static int l_tcp(lua_State *L)
{
    const char *host = luaL_checkstring(L, 1);
    lua_Integer port = luaL_checkinteger(L, 2);
    luaL_argcheck(L, port > 0 && port <= PORT_MAX, 2, "must be a port");
    double seconds = waiter_check_seconds(L, 3, connect_seconds);
    (void)script_task(L);
    socket_push(L);

    struct dial *d = dial_new(L);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[PORT_TEXT_MAX];
    snprintf(service, sizeof(service), "%d", (int)port);
    int rc = uv_getaddrinfo(d->env->loop, &d->resolve, on_resolved, host, service, &hints);
    if (rc < 0)
        return dial_fail(L, d, rc);
    d->resolving = true;
    return waiter_start(L, &d->waiter, "os.tcp", seconds);
}

/* libuv cuts a path that does not fit and would reach another socket. */
static const char *check_socket_path(lua_State *L, int arg)
{
    size_t n;
    const char *path = luaL_checklstring(L, arg, &n);
    luaL_argcheck(L, n > 0 && n < sizeof(((struct sockaddr_un *)NULL)->sun_path), arg,
                  "not a path of a socket (107 bytes at most)");
    return path;
}

static int l_unix(lua_State *L)
{
    const char *path = check_socket_path(L, 1);
    double seconds = waiter_check_seconds(L, 2, connect_seconds);
    (void)script_task(L);
    socket_push(L);

    struct dial *d = dial_new(L);
    d->ch = channel_new(d->env, CHANNEL_PIPE);
    uv_pipe_connect(&d->connect, &d->ch->u.pipe, path, on_connected);
    d->connecting = true;
    return waiter_start(L, &d->waiter, "os.unix", seconds);
}

/* ---- listening ---- */

struct listener {
    union channel_handle u;
    const struct script_env *env;
    enum channel_kind kind;
    struct waiter waiter;
    unsigned pending; /* connections that libuv holds for us: it stops after the first */
    int error, port;
    bool closing;
};

static struct listener *check_listener(lua_State *L)
{
    struct listener **box = luaL_checkudata(L, 1, LISTENER_TYPE);
    if (*box == NULL)
        luaL_error(L, "the listener is closed");
    return *box;
}

static void on_listener_closed(uv_handle_t *h)
{
    struct listener *l = h->data;
    l->error = UV_ECANCELED;
    waiter_end(&l->waiter);
    free(l);
}

static int l_listener_close(lua_State *L)
{
    struct listener **box = luaL_checkudata(L, 1, LISTENER_TYPE);
    if (*box)
        uv_close(&(*box)->u.handle, on_listener_closed);
    *box = NULL;
    return 0;
}

static void on_connection(uv_stream_t *s, int status)
{
    struct listener *l = s->data;
    if (status < 0)
        l->error = status;
    else
        l->pending++;
    waiter_end(&l->waiter);
}

static int push_accepted(lua_State *L, void *arg)
{
    struct listener *l = arg;
    if (l->pending == 0) {
        int error = l->error;
        l->error = 0;
        if (error != 0)
            return channel_push_error(L, error);
        lua_pushnil(L);
        lua_pushliteral(L, "timeout");
        return 2;
    }
    struct socket *s = socket_push(L);
    s->ch = channel_new(l->env, l->kind);
    l->pending--;
    int rc = uv_accept(&l->u.stream, &s->ch->u.stream);
    if (rc < 0)
        return channel_push_error(L, rc);
    (void)channel_read_start(s->ch);
    return 1;
}

static int l_accept(lua_State *L)
{
    struct listener *l = check_listener(L);
    double seconds = waiter_check_seconds(L, 2, accept_seconds);
    if (l->pending > 0 || l->error != 0)
        return push_accepted(L, l);
    return waiter_start(L, &l->waiter, "accept", seconds);
}

static int listen_tcp(struct listener *l, int port)
{
    struct sockaddr_in address = {0};
    int n = sizeof(address);
    l->kind = CHANNEL_TCP;
    int rc = uv_tcp_init(l->env->loop, &l->u.tcp);
    if (rc == 0)
        rc = uv_ip4_addr("127.0.0.1", port, &address);
    if (rc == 0)
        rc = uv_tcp_bind(&l->u.tcp, (const struct sockaddr *)&address, 0);
    if (rc == 0)
        rc = uv_listen(&l->u.stream, BACKLOG, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)&address, &n);
    l->port = ntohs(address.sin_port);
    return rc;
}

static int listen_unix(struct listener *l, const char *path)
{
    l->kind = CHANNEL_PIPE;
    int rc = uv_pipe_init(l->env->loop, &l->u.pipe, 0);
    if (rc == 0)
        rc = uv_pipe_bind(&l->u.pipe, path);
    return rc == 0 ? uv_listen(&l->u.stream, BACKLOG, on_connection) : rc;
}

static int l_listener_index(lua_State *L)
{
    struct listener **box = luaL_checkudata(L, 1, LISTENER_TYPE);
    if (*box && strcmp(luaL_checkstring(L, 2), "port") == 0) {
        lua_pushinteger(L, (*box)->port);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

static const luaL_Reg listener_methods[] = {{"accept", l_accept}, {"close", l_listener_close}, {NULL, NULL}};
static const luaL_Reg listener_meta[] = {{"__gc", l_listener_close}, {"__close", l_listener_close}, {NULL, NULL}};

static struct listener **push_listener(lua_State *L)
{
    struct listener **box = lua_newuserdatauv(L, sizeof(struct listener *), 0);
    *box = NULL;
    userdata_metatable(L, LISTENER_TYPE, listener_methods, listener_meta, l_listener_index);
    lua_setmetatable(L, -2);
    return box;
}

/* listen(port) on this machine only, 0 for any free port; listen(path) for a Unix socket. */
static int l_listen(lua_State *L)
{
    bool is_port = lua_isinteger(L, 1);
    lua_Integer port = is_port ? lua_tointeger(L, 1) : 0;
    const char *path = is_port ? NULL : check_socket_path(L, 1);
    luaL_argcheck(L, port >= 0 && port <= PORT_MAX, 1, "must be a port");

    const struct script_env *env = engine_env(L);
    struct listener **box = push_listener(L);
    struct listener *l = *box = mem_zalloc(sizeof(*l));
    l->env = env;
    waiter_init(&l->waiter, env->wheel);
    l->waiter.push = push_accepted;
    l->waiter.arg = l;
    int rc = is_port ? listen_tcp(l, (int)port) : listen_unix(l, path);
    l->u.handle.data = l;
    return rc < 0 ? channel_push_error(L, rc) : 1;
}

const luaL_Reg lib_tcp_functions[] = {{"tcp", l_tcp}, {"unix", l_unix}, {"listen", l_listen}, {NULL, NULL}};
