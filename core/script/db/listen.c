/* db.listen: messages of Postgres' channels, each in a task of its own, those of one listener one after the other.
 *
 * What comes while a message is being worked on stands in the listener's queue. Lua never runs inside the ring's callback:
 * the next task begins at the next turn of the loop. */
#include "script/db/listen.h"
#include "base/log.h"
#include "base/mem.h"
#include "pg/listen.h"
#include "script/db/db.h"
#include "script/runtime/engine.h"
#include "script/runtime/env.h"
#include "script/runtime/spawn.h"
#include "script/runtime/task_internal.h"
#include "script/runtime/userdata.h"
#include "script/runtime/waiter.h"
#include <lauxlib.h>
#include <stdlib.h>

#define DB_LISTENER "neap.db.listener"

enum {
    QUEUE_MAX = 1024,          /* messages that wait for the one before them; more are dropped, and a gap is told */
    QUEUE_BYTES_MAX = 1 << 20, /* likewise */
    LISTENERS_MAX = 1000,      /* of one engine: who has more has forgotten to close them */
    BEGIN_SECONDS = 5,         /* that db.listen waits until the server listens; later it begins with a gap */
};

struct message {
    struct list link;
    bool is_gap;
    size_t n;
    char payload[];
};

struct open_listeners { /* of one engine */
    struct list list;
    unsigned n;
};

static const char open_key; /* registry: the engine's struct open_listeners, a userdata */

struct db_listener { /* a userdata, anchored by its address while it is open or its function runs */
    struct pg_listener on;
    struct pool *pool; /* borrowed; may be gone once on.channel is NULL */
    struct engine *engine;
    struct open_listeners *all;
    struct list link; /* in all->list */
    struct list queue;
    unsigned queued;
    size_t queued_bytes;
    struct deferred turn;
    struct waiter waiter; /* of db.listen itself */
    int fn;               /* registry reference */
    bool open, running, begun;
    bool full;                                        /* and the log knows */
    char name[sizeof "listen " + LISTEN_CHANNEL_MAX]; /* "listen news" */
};

static const char *channel_of(const struct db_listener *l)
{
    return l->name + sizeof "listen " - 1;
}

/* ---- the queue ---- */

static void put(struct db_listener *l, bool is_gap, struct slice payload)
{
    struct message *m = mem_alloc(sizeof *m + payload.n);

    *m = (struct message){.is_gap = is_gap, .n = payload.n};
    if (payload.n > 0)
        memcpy(m->payload, payload.p, payload.n);
    list_init(&m->link);
    list_push_back(&l->queue, &m->link);
    l->queued++;
    l->queued_bytes += payload.n;
}

static struct message *take(struct db_listener *l)
{
    struct message *m = LIST_OF(list_first(&l->queue), struct message, link);

    list_remove(&m->link);
    l->queued--;
    l->queued_bytes -= m->n;
    l->full &= l->queued > 0;
    return m;
}

static void drop_all(struct db_listener *l)
{
    while (l->queued > 0)
        free(take(l));
}

/* Two of them with nothing in between say no more than one. */
static void put_gap(struct db_listener *l)
{
    if (l->queued > 0 && LIST_OF(l->queue.prev, struct message, link)->is_gap)
        return;
    put(l, true, (struct slice){0});
}

static void tell_full(struct db_listener *l)
{
    if (!l->full)
        log_note(LOG_WARN, "db", "a listener is too slow: messages are dropped", "channel", channel_of(l));
    l->full = true;
}

static void put_message(struct db_listener *l, struct slice payload)
{
    if (l->queued < QUEUE_MAX && l->queued_bytes + payload.n <= QUEUE_BYTES_MAX) {
        put(l, false, payload);
    } else {
        tell_full(l);
        put_gap(l);
    }
}

/* ---- its life ---- */

static void let_go(struct db_listener *l)
{
    lua_pushnil(l->engine->L);
    lua_rawsetp(l->engine->L, LUA_REGISTRYINDEX, l);
}

static void end(struct db_listener *l)
{
    l->open = false;
    list_remove(&l->link);
    l->all->n--;
    pool_unlisten(l->pool, &l->on);
    defer_drop(&l->turn);
    drop_all(l);
}

static void close_listener(struct db_listener *l)
{
    if (!l->open)
        return;
    end(l);
    luaL_unref(l->engine->L, LUA_REGISTRYINDEX, l->fn);
    if (!l->running)
        let_go(l);
}

/* NULL: the engine has not loaded neap.core.db. */
static struct open_listeners *open_listeners(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &open_key);
    struct open_listeners *all = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return all;
}

void db_listeners_end(struct engine *e)
{
    struct open_listeners *all = open_listeners(e->L);

    while (all != NULL && !list_is_empty(&all->list))
        close_listener(LIST_OF(list_first(&all->list), struct db_listener, link));
}

/* ---- one message ---- */

static void go_on(struct db_listener *l)
{
    if (l->on.channel) /* else the pool may be gone, and whoever closed it ends the engine too */
        pool_later(l->pool, &l->turn);
}

static void on_done(struct task *t, enum task_outcome how, void *arg)
{
    struct db_listener *l = arg;

    spawn_task_over(t, how, l->name);
    l->running = false;
    if (l->open)
        go_on(l);
    else
        let_go(l);
    task_free(t); /* may free the engine, and the listener with it */
}

static void work_on(struct db_listener *l, struct message *m)
{
    struct task *t = task_new(l->engine);

    spawn_name_task(t, SPAWN_FINISHES, l->name);
    lua_rawgeti(t->co, LUA_REGISTRYINDEX, l->fn);
    if (m->is_gap)
        lua_pushnil(t->co);
    else
        lua_pushlstring(t->co, m->payload, m->n);
    lua_pushstring(t->co, channel_of(l));
    free(m);
    l->running = true;
    task_start(t, 2, on_done, l);
}

static void on_turn(struct deferred *d)
{
    struct db_listener *l = LIST_OF(d, struct db_listener, turn);

    if (l->begun && waiter_is_set(&l->waiter)) {
        go_on(l);
        waiter_end(&l->waiter);
    } else if (!l->running && l->queued > 0) {
        work_on(l, take(l));
    }
}

static void on_event(struct pg_listener *on, enum listen_event event, struct slice payload)
{
    struct db_listener *l = LIST_OF(on, struct db_listener, on);

    if (event == LISTEN_MESSAGE)
        put_message(l, payload);
    else if (event == LISTEN_GAP || !waiter_is_set(&l->waiter)) /* db.listen has not waited for it */
        put_gap(l);
    l->begun = true;
    pool_later(l->pool, &l->turn);
}

/* ---- from Lua ---- */

static int push_listener(lua_State *L, void *arg)
{
    (void)arg;
    lua_pushvalue(L, -1); /* the last thing that db.listen pushed */
    return 1;
}

static void on_give_up(void *arg)
{
    close_listener(arg);
}

static int l_close(lua_State *L)
{
    close_listener(luaL_checkudata(L, 1, DB_LISTENER));
    return 0;
}

/* Only when the state closes: until then it is anchored while it is open. */
static int l_gc(lua_State *L)
{
    struct db_listener *l = luaL_checkudata(L, 1, DB_LISTENER);

    if (l->open)
        end(l);
    return 0;
}

static struct db_listener *new_listener(lua_State *L, const struct db_state *db, const char *channel)
{
    struct db_listener *l = lua_newuserdatauv(L, sizeof *l, 0);

    *l = (struct db_listener){.engine = script_engine(L), .all = open_listeners(L), .pool = db->env->pool};
    list_init(&l->on.link);
    list_init(&l->link);
    list_init(&l->queue);
    deferred_init(&l->turn, on_turn);
    waiter_init(&l->waiter, db->env->wheel);
    l->waiter.push = push_listener;
    l->waiter.arg = l;
    l->waiter.on_give_up = on_give_up;
    snprintf(l->name, sizeof l->name, "listen %s", channel);
    luaL_setmetatable(L, DB_LISTENER);
    return l;
}

static void begin(lua_State *L, struct db_listener *l)
{
    lua_pushvalue(L, 2);
    l->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, l);
    l->open = true;
    list_push_back(&l->all->list, &l->link);
    l->all->n++;
    pool_listen(l->pool, &l->on, slice_str(channel_of(l)), on_event);
}

/* (channel, fn) -> handle. Where there is no database to listen to, as in `neap routes`, it hears nothing. */
int db_listen(lua_State *L)
{
    struct db_state *db = lua_touserdata(L, lua_upvalueindex(1));
    struct engine *e = script_engine(L);
    size_t n;
    const char *channel = luaL_checklstring(L, 1, &n);

    luaL_argcheck(L, n > 0 && n <= LISTEN_CHANNEL_MAX && strlen(channel) == n, 1, "a channel's name has 1 to 63 bytes");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (db->env->pool == NULL && db->env->mode != SCRIPT_TOOL)
        return db_error_raise(L, PG_UNAVAILABLE, "no database is configured: set DATABASE_URL");
    if (open_listeners(L)->n >= LISTENERS_MAX)
        return luaL_error(L, "db.listen: there are %d listeners already: close those that are not needed", LISTENERS_MAX);
    if (e->background_over)
        return luaL_error(L, "db.listen: this code is ending");
    bool waits = script_can_wait(L);
    struct db_listener *l = new_listener(L, db, channel);
    if (db->env->pool == NULL)
        return 1;
    begin(L, l);
    return waits ? waiter_start(L, &l->waiter, "db.listen", BEGIN_SECONDS) : 1;
}

void db_listen_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", l_close}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__close", l_close}, {"__gc", l_gc}, {NULL, NULL}};

    userdata_metatable(L, DB_LISTENER, methods, meta, NULL);
    lua_pop(L, 1);
    struct open_listeners *all = lua_newuserdatauv(L, sizeof *all, 0);
    all->n = 0;
    list_init(&all->list);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
}
