#include "script/db/db.h"

#include "script/runtime/env.h"
#include <lauxlib.h>
#include <stdio.h>

static void set_text(lua_State *L, const char *key, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

bool db_is_framework(const char *source)
{
    return strncmp(source, "lua/neap/", 9) == 0;
}

void db_where(lua_State *L, char out[static WHERE_MAX])
{
    lua_Debug ar;

    engine_where(L, out);
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0 && !db_is_framework(ar.short_src)) {
            snprintf(out, WHERE_MAX, "%s:%d", ar.short_src, ar.currentline);
            return;
        }
    }
}

bool db_error_is_doubtful(const struct pg_error *err)
{
    bool unanswered = err->kind == PG_TIMED_OUT || err->kind == PG_CANCELLED;

    return err->kind == PG_LOST || (unanswered && err->sqlstate[0] == '\0');
}

void db_error_push(lua_State *L, const struct pg_error *err, const char *outcome)
{
    char where[WHERE_MAX];

    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 8);
    set_text(L, "kind", pg_error_kind_name(err->kind));
    set_text(L, "sqlstate", err->sqlstate);
    set_text(L, "message", err->message[0] ? err->message : "no message");
    set_text(L, "detail", err->detail);
    set_text(L, "hint", err->hint);
    set_text(L, "context", err->context);
    set_text(L, "constraint", err->constraint);
    set_text(L, "table", err->table);
    set_text(L, "column", err->column);
    set_text(L, "outcome", outcome);
    if (err->position > 0) {
        lua_pushinteger(L, err->position);
        lua_setfield(L, -2, "position");
    }
    if (err->line > 0) {
        lua_pushinteger(L, err->line);
        lua_setfield(L, -2, "line");
    }
    db_where(L, where);
    set_text(L, "where", where);
    luaL_setmetatable(L, DB_ERROR);
}

int db_error_raise(lua_State *L, enum pg_error_kind kind, const char *message)
{
    struct pg_error err;

    pg_error_set(&err, kind, "%s", message);
    db_error_push(L, &err, NULL);
    return lua_error(L);
}

/* Pushes three strings when the error has the field; returns how many. */
static int push_field(lua_State *L, const char *before, const char *key, const char *after)
{
    lua_pushstring(L, before);
    lua_getfield(L, 1, key);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 2);
        return 0;
    }
    lua_pushstring(L, after);
    return 3;
}

/* lua/app/tasks/store.lua:12: server: duplicate key value ... (23505), constraint tasks_pkey */
static int error_tostring(lua_State *L)
{
    int n = 0;

    lua_settop(L, 1);
    luaL_checkstack(L, 20, NULL);
    n += push_field(L, "", "where", ": ");
    n += push_field(L, "", "kind", ": ");
    n += push_field(L, "", "message", "");
    n += push_field(L, " (", "sqlstate", ")");
    n += push_field(L, ", constraint ", "constraint", "");
    n += push_field(L, ", outcome ", "outcome", "");
    lua_concat(L, n);
    return 1;
}

void db_error_open(lua_State *L)
{
    luaL_newmetatable(L, DB_ERROR);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}
