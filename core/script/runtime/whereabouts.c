#include "script/runtime/whereabouts.h"
#include "script/runtime/engine.h"
#include <stdio.h>

void engine_where(lua_State *L, char out[static WHERE_MAX])
{
    lua_Debug ar;
    out[0] = 0;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0) {
            snprintf(out, WHERE_MAX, "%s:%d", ar.short_src, ar.currentline);
            return;
        }
    }
}

size_t whereabouts(const struct engine *e, char *out, size_t out_n)
{
    lua_Debug ar;
    if (e == NULL || e->current == NULL || e->running == NULL)
        return 0;
    for (int level = 0; level < 200 && lua_getstack(e->running, level, &ar); level++) {
        if (lua_getinfo(e->running, "Sl", &ar) && ar.currentline > 0) {
            int n = snprintf(out, out_n, "%s:%d", ar.short_src, ar.currentline);
            return n > 0 && (size_t)n < out_n ? (size_t)n : 0;
        }
    }
    return 0;
}
