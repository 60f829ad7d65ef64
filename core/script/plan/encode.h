#ifndef SCRIPT_PLAN_ENCODE_H
#define SCRIPT_PLAN_ENCODE_H
/* Answers written by a plan: only what it declares, in its order, exactly. */
#include "base/buf.h"
#include "base/error.h"
#include "plan/plan.h"
#include <lua.h>

struct pg_result;

/* Appends the Lua value at index. 0; or -1 with `out` as it was and a reason that names the place: "items[3].title: is
 * missing". Raises only for want of memory. */
int plan_encode(lua_State *L, int index, const struct plan_node *node, struct buf *out, char err[static ERR_MAX])
    __attribute__((warn_unused_result));

/* Appends all rows as an array of `row` objects, or (one) the first row alone. Straight from the result: no Lua value is
 * made. The values are Postgres' own and only held against the plan by type and NULL. */
int plan_encode_rows(const struct pg_result *res, const struct plan_node *row, bool one, struct buf *out,
                     char err[static ERR_MAX]) __attribute__((warn_unused_result));
#endif
