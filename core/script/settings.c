#include "script/settings.h"
#include "script/runtime/engine.h"
#include <lauxlib.h>
#include <stdio.h>

void settings_default(struct settings *s)
{
    *s = (struct settings){
        .host = "127.0.0.1",
        .port = 8000,
        .access_log = true,
        .log_level = LOG_INFO,
        .pool_min = 5,
        .pool_max = 20,
        .acquire_ms = 5000,
        .statement_ms = 5000,
        .recycle_ms = 3600 * 1000,
        .ping_idle_ms = 30 * 1000,
        .prepared = true,
        .pipeline = true,
        .limits = limits_default,
    };
}

/* The readers below look at a field of the table on top and leave the default where it is nil. */
static void read_string(lua_State *L, const char *name, char *out, size_t out_n)
{
    size_t n;
    lua_getfield(L, -1, name);
    if (!lua_isnil(L, -1)) {
        const char *p = lua_tolstring(L, -1, &n);
        if (p == NULL || n >= out_n || strlen(p) != n)
            luaL_error(L, "%s: must be a string of less than %d bytes", name, (int)out_n);
        memcpy(out, p, n + 1);
    }
    lua_pop(L, 1);
}

static void read_bool(lua_State *L, const char *name, bool *out)
{
    lua_getfield(L, -1, name);
    if (!lua_isnil(L, -1))
        *out = lua_toboolean(L, -1);
    lua_pop(L, 1);
}

static bool read_number(lua_State *L, const char *name, double max, double *out)
{
    int is_number;
    lua_getfield(L, -1, name);
    bool given = !lua_isnil(L, -1);
    if (given) {
        *out = lua_tonumberx(L, -1, &is_number);
        if (!is_number || !(*out >= 0 && *out <= max))
            luaL_error(L, "%s: must be a number between 0 and %f", name, max);
    }
    lua_pop(L, 1);
    return given;
}

static void read_unsigned(lua_State *L, const char *name, unsigned *out)
{
    double v;
    if (read_number(L, name, 1e6, &v))
        *out = (unsigned)v;
}

static void read_bytes(lua_State *L, const char *name, size_t *out)
{
    double v;
    if (read_number(L, name, 1e15, &v))
        *out = (size_t)v;
}

static void read_seconds(lua_State *L, const char *name, uint64_t *out_ms)
{
    double v;
    if (read_number(L, name, 1e9, &v))
        *out_ms = (uint64_t)(v * 1000 + 0.5);
}

/* A list of strings, with line breaks between them. */
static void read_lines(lua_State *L, const char *name, char *out, size_t out_n)
{
    size_t used = 0, n;
    if (lua_getfield(L, -1, name) == LUA_TTABLE)
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
            const char *p = lua_tolstring(L, -1, &n);
            if (used + n + 2 > out_n)
                luaL_error(L, "%s: must be less than %d bytes", name, (int)out_n);
            if (used > 0)
                out[used++] = '\n';
            memcpy(out + used, p, n);
            used += n;
            lua_pop(L, 1);
        }
    else
        lua_pushnil(L);
    out[used] = '\0';
    lua_pop(L, 2);
}

static void read_limits(lua_State *L, struct limits *l)
{
    read_bytes(L, "MAX_BODY", &l->body_bytes_max);
    read_seconds(L, "HEADER_TIMEOUT", &l->head_ms);
    read_seconds(L, "BODY_TIMEOUT", &l->body_ms);
    read_seconds(L, "KEEPALIVE_TIMEOUT", &l->keepalive_ms);
    read_seconds(L, "HANDLER_TIMEOUT", &l->handler_ms);
    read_seconds(L, "HANDLER_CPU", &l->handler_cpu_ms);
    read_bytes(L, "HANDLER_HEAP", &l->handler_heap_bytes);
    read_bytes(L, "WORKER_MAX_HEAP", &l->worker_heap_bytes);
    read_unsigned(L, "MAX_CONNECTIONS", &l->connections_max);
    read_unsigned(L, "DB_POOL_LINE", &l->pool_line_max);
    read_unsigned(L, "PASSWORD_LINE", &l->password_line_max);
    read_seconds(L, "SHUTDOWN_TIMEOUT", &l->shutdown_ms);
}

static void read_database(lua_State *L, struct settings *s)
{
    bool pre_ping = true;
    read_string(L, "DATABASE_URL", s->database_url, sizeof s->database_url);
    read_unsigned(L, "DB_POOL_MIN", &s->pool_min);
    read_unsigned(L, "DB_POOL_MAX", &s->pool_max);
    read_seconds(L, "DB_ACQUIRE_TIMEOUT", &s->acquire_ms);
    read_seconds(L, "DB_STATEMENT_TIMEOUT", &s->statement_ms);
    read_seconds(L, "DB_POOL_RECYCLE", &s->recycle_ms);
    read_bool(L, "DB_PREPARED", &s->prepared);
    read_bool(L, "DB_PIPELINE", &s->pipeline);
    read_bool(L, "DB_WRITE_LANE", &s->write_lane);
    read_bool(L, "DB_POOL_PRE_PING", &pre_ping);
    if (!pre_ping)
        s->ping_idle_ms = 0;
}

static void read_redis(lua_State *L, struct settings *s)
{
    bool enabled = false;
    read_string(L, "REDIS_URL", s->redis_url, sizeof s->redis_url);
    read_bool(L, "REDIS_ENABLED", &enabled);
    if (!enabled)
        s->redis_url[0] = '\0';
}

static void read_edges(lua_State *L, struct settings *s)
{
    char header[32] = "";
    read_lines(L, "CORS_ORIGINS", s->cors_origins, sizeof s->cors_origins);
    read_lines(L, "TRUSTED_PROXIES", s->trusted_proxies, sizeof s->trusted_proxies);
    read_string(L, "TRUSTED_PROXY_HEADER", header, sizeof header);
    s->forwarded = strcmp(header, "forwarded") == 0;
}

struct edges settings_edges(const struct settings *s)
{
    return (struct edges){.cors_origins = s->cors_origins, .trusted_proxies = s->trusted_proxies, .forwarded = s->forwarded};
}

static void read_server(lua_State *L, struct settings *s)
{
    char level[16] = "", environment[64] = "";
    double port;
    read_string(L, "HOST", s->host, sizeof s->host);
    if (read_number(L, "PORT", 65535, &port))
        s->port = (int)port;
    read_unsigned(L, "WORKERS", &s->workers);
    read_bool(L, "ACCESS_LOG", &s->access_log);
    read_bool(L, "SERVER_TIMING", &s->server_timing);
    read_string(L, "ENVIRONMENT", environment, sizeof environment);
    s->production = strcmp(environment, "production") == 0;
    read_string(L, "LOG_LEVEL", level, sizeof level);
    if (level[0] && log_level_parse(slice_str(level), &s->log_level) < 0)
        luaL_error(L, "LOG_LEVEL: must be debug, info, warn, error or off");
}

/* (settings, mode): the protected part of settings_load. */
static int l_load(lua_State *L)
{
    struct settings *s = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "neap.boot");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "config");
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    if (!lua_istable(L, -1) && !lua_isuserdata(L, -1))
        return luaL_error(L, "neap.boot.config gave a %s", luaL_typename(L, -1));
    read_server(L, s);
    read_limits(L, &s->limits);
    read_database(L, s);
    read_redis(L, s);
    read_edges(L, s);
    return 0;
}

/* (error value) -> text, a problem a line; and true when the configuration is what is wrong. */
static int l_describe(lua_State *L)
{
    luaL_Buffer b;
    bool is_list = lua_istable(L, 1) && lua_getfield(L, 1, "problems") == LUA_TTABLE;
    if (!is_list) {
        luaL_tolstring(L, 1, NULL);
        lua_pushboolean(L, false);
        return 2;
    }
    lua_Integer n = luaL_len(L, 2);
    luaL_buffinit(L, &b);
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, '\n');
        lua_geti(L, 2, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    lua_pushboolean(L, true);
    return 2;
}

int settings_load(struct settings *s, struct engine *e, const char *mode, char err[static ERR_MAX])
{
    lua_State *L = e->L;
    int top = lua_gettop(L), rc = 0;

    settings_default(s);
    lua_pushcfunction(L, l_load);
    lua_pushlightuserdata(L, s);
    lua_pushstring(L, mode);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pushcfunction(L, l_describe);
        lua_insert(L, -2);
        if (lua_pcall(L, 1, 2, 0) != LUA_OK) {
            rc = fail(err, "the configuration cannot be read");
        } else {
            fail(err, "%s", lua_tostring(L, -2));
            rc = lua_toboolean(L, -1) ? -78 : -1;
        }
    }
    lua_settop(L, top);
    return rc;
}
