#include "script/engine.h"

#include "base/mem.h"
#include "script/auth/auth.h"
#include "script/db/lib_db.h"
#include "script/db/listen.h"
#include "script/json/json.h"
#include "script/lib_core.h"
#include "script/os/lib_os.h"
#include "script/request/lib_request.h"
#include "script/request/lib_stream.h"
#include "script/request/service.h"
#include "script/runtime/lib_coroutine.h"
#include "script/runtime/spawn.h"
#include "script/runtime/task_internal.h"
#include "script/sandbox/modules.h"
#include "script/sandbox/sandbox.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

/* What Lua may take: the heap of the whole state, and what one task takes while it runs. A NULL makes Lua collect
 * garbage and ask once more before it raises "not enough memory". Both are only looked at while a task runs, where the
 * error has somewhere to go. */
static void *on_alloc(void *ud, void *p, size_t old, size_t n)
{
    struct engine *e = ud;
    if (p == NULL)
        old = 0;
    if (n == 0) {
        heap_realloc(&e->heap, p, old, 0);
        e->heap_bytes -= old;
        if (e->current != NULL)
            e->current->heap_bytes -= (long)old;
        return NULL;
    }
    struct task *t = e->current;
    if (t != NULL && n > old) {
        const struct limits *limits = e->env->limits;
        if (t->heap_bytes + (long)(n - old) > (long)limits->handler_heap_bytes ||
            e->heap_bytes + (n - old) > limits->worker_heap_bytes)
            return NULL;
    }
    void *q = heap_realloc(&e->heap, p, old, n);
    if (q == NULL)
        return NULL;
    e->heap_bytes += n - old;
    if (t != NULL)
        t->heap_bytes += (long)n - (long)old;
    return q;
}

static int cancelled_tostring(lua_State *L)
{
    lua_pushliteral(L, "the task was cancelled");
    return 1;
}

static void preload(lua_State *L, const char *name, lua_CFunction open)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, open);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static int install(lua_State *L)
{
    struct engine *e = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lib_coroutine_install(L);
    lib_request_install(L);
    lib_stream_install(L);
    preload(L, "neap.json", luaopen_neap_json);
    preload(L, "neap.core", luaopen_neap_core);
    preload(L, "neap.core.db", luaopen_neap_core_db);
    preload(L, "neap.core.files", luaopen_neap_core_files);
    if (e->env->mode == SCRIPT_TOOL)
        preload(L, "neap.core.os", luaopen_neap_core_os);
    lua_newuserdatauv(L, 0, 0);
    lua_newtable(L);
    lua_pushcfunction(L, cancelled_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "neap.cancelled");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    e->cancelled_value = luaL_ref(L, LUA_REGISTRYINDEX);
    modules_install(L, e->env->app_dir, e->env->home);
    sandbox_install(L);
    return 0;
}

static void on_over(struct engine *e)
{
    struct service *s = service_of_engine(e);
    task_free_spare(e);
    lua_close(e->L);
    heap_close(&e->heap);
    list_remove(&e->link);
    operations_free(&s->operations);
    auth_free(s->auth);
    free(s->docs_path);
    buf_free(&e->interrupted_at);
    buf_free(&s->scratch);
    buf_free(&s->scratch_headers);
    free(s);
}

static void on_routes_free(void *arg)
{
    struct engine *e = arg;
    e->held = false;
    engine_settle(e);
}

struct engine *engine_new(const struct script_env *env, char err[static ERR_MAX])
{
    struct service *s = mem_zalloc(sizeof *s);
    struct engine *e = &s->engine;
    s->error_mapper = s->name_outsider = LUA_NOREF;
    list_init(&s->outlets);
    e->env = env;
    e->on_over = on_over;
    list_push_back(env->engines, &e->link);
    list_init(&e->spawns);
    list_init(&e->tasks);
    list_init(&e->spare);
    heap_open(&e->heap);
    e->L = lua_newstate(on_alloc, e);
    if (e->L == NULL) {
        heap_close(&e->heap);
        list_remove(&e->link);
        free(s);
        fail(err, "out of memory");
        return NULL;
    }
    *(struct engine **)lua_getextraspace(e->L) = e;
    s->routes = route_table_new(on_routes_free, e);
    e->held = true;
    lua_pushcfunction(e->L, install);
    lua_pushlightuserdata(e->L, e);
    if (lua_pcall(e->L, 1, 0, 0) != LUA_OK) {
        fail(err, "%s", lua_tostring(e->L, -1));
        engine_retire(e);
        return NULL;
    }
    return e;
}

static int on_load_error(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

/* A configuration error is a table {problems = {...}}; anything else is told as it is, its first line first. */
static int read_load_error(lua_State *L, char err[static ERR_MAX])
{
    if (lua_type(L, -1) != LUA_TTABLE || lua_getfield(L, -1, "problems") != LUA_TTABLE) {
        lua_settop(L, lua_type(L, -1) == LUA_TNIL && lua_gettop(L) > 1 ? -2 : -1);
        fail(err, "%s", luaL_tolstring(L, -1, NULL));
        return -1;
    }
    size_t n = 0;
    lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
    err[0] = 0;
    for (lua_Integer i = 1; i <= count && n < ERR_MAX; i++) {
        lua_rawgeti(L, -1, i);
        n += (size_t)snprintf(err + n, ERR_MAX - n, "%s%s", i > 1 ? "\n" : "", luaL_tolstring(L, -1, NULL));
        lua_pop(L, 2);
    }
    return -78;
}

static int load(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "neap.boot");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "load");
    lua_pushstring(L, engine_env(L)->mode == SCRIPT_DEV ? "dev" : engine_env(L)->mode == SCRIPT_TOOL ? "tool" : "serve");
    lua_call(L, 1, 0);
    return 0;
}

int engine_load(struct engine *e, char err[static ERR_MAX])
{
    lua_State *L = e->L;
    lua_settop(L, 0);
    lua_pushcfunction(L, on_load_error);
    lua_pushcfunction(L, load);
    e->loading = true;
    int status = lua_pcall(L, 0, 0, 1);
    e->loading = false;
    int rc = status == LUA_OK ? 0 : read_load_error(L, err);
    lua_settop(L, 0);
    if (rc == 0)
        lua_gc(L, LUA_GCCOLLECT); /* what loading left behind is not carried into the first requests */
    return rc;
}

struct route_table *engine_routes(struct engine *e)
{
    return service_of_engine(e)->routes;
}

const char *engine_docs_path(struct engine *e)
{
    return service_of_engine(e)->docs_path;
}

unsigned engine_tasks(const struct engine *e)
{
    return e->live;
}

void engine_retire(struct engine *e)
{
    if (e == NULL || e->retired)
        return;
    e->retired = true;
    db_listeners_end(e);
    spawn_end_background(e);
    lib_stream_end_detached(e);
    /* The table goes with the last request that holds it; on_routes_free settles. */
    route_table_unref(service_of_engine(e)->routes);
}
