#include "script/request/operation.h"

#include "base/mem.h"
#include "script/plan/lib_plan.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* The plan at a field of the declaration, anchored for as long as the state lives. */
static const struct plan *plan_field(lua_State *L, int index, const char *key)
{
    if (lua_getfield(L, index, key) == LUA_TNIL) {
        lua_pop(L, 1);
        return NULL;
    }
    const struct plan *plan = lib_plan_check(L, lua_gettop(L));
    luaL_ref(L, LUA_REGISTRYINDEX);
    return plan;
}

static void add_answer(lua_State *L, struct operation *op, int status)
{
    if (op->answer_count == OPERATION_ANSWERS_MAX)
        luaL_error(L, "more than %d answers are declared", OPERATION_ANSWERS_MAX);
    op->answers[op->answer_count++] = (struct operation_answer){status, lib_plan_check(L, lua_gettop(L))};
    luaL_ref(L, LUA_REGISTRYINDEX);
}

/* responses = {[201] = plan, default = plan} */
static void read_answers(lua_State *L, struct operation *op, int index)
{
    if (lua_getfield(L, index, "responses") != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_isinteger(L, -2))
            add_answer(L, op, (int)lua_tointeger(L, -2));
        else
            add_answer(L, op, 0);
    }
    lua_settop(L, table - 1);
}

/* The function is on top. Of one that is written in C nobody can tell. */
static bool takes_arguments(lua_State *L)
{
    lua_Debug ar;
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">Su", &ar);
    return ar.what[0] == 'C' || ar.nparams > 0 || ar.isvararg;
}

int operation_add(lua_State *L, struct operations *all, int index, bool safe)
{
    struct operation op = {0};
    op.params = plan_field(L, index, "params");
    op.query = plan_field(L, index, "query");
    op.headers = plan_field(L, index, "headers");
    op.cookies = plan_field(L, index, "cookies");
    lua_getfield(L, index, "body");
    bool any_json = lua_isboolean(L, -1); /* body = true: JSON of any shape */
    lua_pop(L, 1);
    if (!any_json)
        op.body = plan_field(L, index, "body");
    lua_getfield(L, index, "form");
    op.form = lua_toboolean(L, -1);
    lua_pop(L, 1);
    lua_getfield(L, index, "on_disconnect");
    op.runs_on = lua_type(L, -1) == LUA_TSTRING ? strcmp(lua_tostring(L, -1), "cancel") != 0 : !safe;
    lua_pop(L, 1);
    read_answers(L, &op, index);
    limit_rules_read(L, index, &op.limits);
    lua_getfield(L, index, "handler");
    op.takes_request = takes_arguments(L);
    op.handler = luaL_ref(L, LUA_REGISTRYINDEX);
    if (all->n == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 32;
        all->list = mem_realloc(all->list, (size_t)all->cap * sizeof *all->list);
    }
    all->list[all->n] = op;
    return all->n++;
}

const struct operation *operation_at(const struct operations *all, int number)
{
    return &all->list[number];
}

void operations_free(struct operations *all)
{
    free(all->list);
    *all = (struct operations){0};
}

const struct plan *operation_answer(const struct operation *op, int status)
{
    const struct plan *other = NULL;
    for (unsigned i = 0; i < op->answer_count; i++) {
        if (op->answers[i].status == status)
            return op->answers[i].plan;
        if (op->answers[i].status == 0 && status < 400)
            other = op->answers[i].plan;
    }
    return other;
}
