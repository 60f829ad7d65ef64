#include "script/lib_core.h"
#include "script/pages.h"
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int compare_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct page_file *)file)->name);
}

static void push_inflated(lua_State *L, const struct page_file *f)
{
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, f->plain_n);
    z_stream z = {
        .next_in = (z_const Bytef *)f->gzip,
        .avail_in = (uInt)f->n,
        .next_out = (Bytef *)out,
        .avail_out = (uInt)f->plain_n,
    };
    int rc = inflateInit2(&z, MAX_WBITS + 16); /* + 16: gzip's own header */
    if (rc == Z_OK) {
        rc = inflate(&z, Z_FINISH);
        inflateEnd(&z);
    }
    if (rc != Z_STREAM_END || z.total_out != f->plain_n)
        luaL_error(L, "the page file %s cannot be inflated (zlib: %d)", f->name, rc);
    luaL_pushresultsize(&b, f->plain_n);
}

/* page(name[, plain]) -> bytes, gzip or as they were; nil when there is none of that name */
static int l_page(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct page_file *f = bsearch(name, page_files, page_count, sizeof(*f), compare_name);
    if (f == NULL)
        lua_pushnil(L);
    else if (lua_toboolean(L, 2))
        push_inflated(L, f);
    else
        lua_pushlstring(L, (const char *)f->gzip, f->n);
    return 1;
}

static const luaL_Reg functions[] = {{"page", l_page}, {NULL, NULL}};

void lib_pages_add(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
    lua_pushstring(L, pages_version);
    lua_setfield(L, -2, "pages_version");
    if (pages_missing[0] != '\0') {
        lua_pushstring(L, pages_missing);
        lua_setfield(L, -2, "pages_missing");
    }
}
