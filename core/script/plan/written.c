#include "script/plan/written.h"

#include "script/db/rows.h"
#include "script/json/json.h"
#include "script/plan/encode.h"
#include "script/plan/lib_plan.h"
#include "script/runtime/userdata.h"
#include <lauxlib.h>

static const char written_metatable[] = "neap.plan.rows";

struct written { /* the plan and the rows are its user values, so they live as long as it does */
    const struct plan_node *row;
    const struct db_rows *rows;
};

static int encode(const struct written *w, struct buf *out, char err[static ERR_MAX])
{
    if (w->rows->res == NULL)
        return fail(err, "the rows are not there any more");
    return plan_encode_rows(w->rows->res, w->row, false, out, err);
}

static int write_json(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    return encode(lua_touserdata(L, index), out, err);
}

int plan_written_new(lua_State *L)
{
    const struct plan *plan = lib_plan_check(L, 1);
    const struct db_rows *rows = userdata_check(L, 2, USERDATA_ROWS);
    const struct plan_node *row = plan->root->kind == PLAN_ARRAY ? plan->root->array.items : plan->root;
    if (row == NULL || row->kind != PLAN_OBJECT)
        return luaL_argerror(L, 1, "rows are written by the schema of an object, or of a list of them");
    struct written *w = lua_newuserdatauv(L, sizeof *w, 2);
    *w = (struct written){row, rows};
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 2);
    if (luaL_newmetatable(L, written_metatable))
        json_mark_writer(L, -1, write_json);
    lua_setmetatable(L, -2);
    return 1;
}

int plan_written_encode(lua_State *L, int index, struct buf *out, char err[static ERR_MAX])
{
    const struct written *w = luaL_testudata(L, index, written_metatable);
    if (w == NULL)
        return 0;
    return encode(w, out, err) == 0 ? 1 : -1;
}
