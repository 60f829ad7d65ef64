#include "script/sandbox/modules.h"
#include "base/buf.h"
#include "script/sandbox/embed.h"
#include "script/sandbox/sandbox.h"
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MODULE_BYTES_MAX = 16 << 20 }; /* a Lua file that is larger is data that belongs elsewhere */

/* ---- reading and compiling ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* 0, or an errno. */
static int read_file(const char *path, struct buf *out)
{
    enum { STEP = 16384 };
    FILE *f = fopen(path, "rbe");
    size_t n;
    if (f == NULL)
        return errno;
    do {
        n = fread(buf_reserve(out, STEP), 1, STEP, f);
        out->n += n;
    } while (n == STEP && out->n <= MODULE_BYTES_MAX);
    int rc = ferror(f) ? errno : out->n > MODULE_BYTES_MAX ? EFBIG : 0;
    fclose(f);
    return rc;
}

/* Text only: bytecode can crash the interpreter. Some editors begin UTF-8 with a mark. */
static int compile(lua_State *L, struct slice text, const char *chunk_name)
{
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
        text = slice_of(text.p + 3, text.n - 3);
    return luaL_loadbufferx(L, text.n ? text.p : "", text.n, chunk_name, "t");
}

/* Pushes the function of a file; raises what is wrong with it. */
static void compile_file(lua_State *L, const char *path, const char *chunk_name)
{
    struct buf text = BUF_INIT;
    int rc = read_file(path, &text);
    int status = rc == 0 ? compile(L, buf_view(&text), chunk_name) : LUA_OK;
    bool is_bytecode = text.n > 0 && text.p[0] == LUA_SIGNATURE[0];
    buf_free(&text);
    if (rc != 0)
        luaL_error(L, "%s: %s", path, strerror(rc));
    if (is_bytecode)
        luaL_error(L, "%s: this is bytecode, and only text is loaded", chunk_name + 1);
    if (status != LUA_OK)
        lua_error(L);
}

/* ---- neap.* ---- */

static bool is_framework(const char *name)
{
    return strncmp(name, "neap", 4) == 0 && (name[4] == '\0' || name[4] == '.');
}

static int compare_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct embed_file *)file)->name);
}

static int load_embedded(lua_State *L, const char *name)
{
    const struct embed_file *f = bsearch(name, embed_files, embed_count, sizeof(*f), compare_name);
    if (f == NULL) {
        lua_pushfstring(L, "no module '%s' in this binary", name);
        return 1;
    }
    if (compile(L, slice_of((const char *)f->data, f->n), f->chunk_name) != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, f->chunk_name);
    return 2;
}

static int load_from_home(lua_State *L, const char *name, const char *home)
{
    static const char *const forms[] = {"@lua/%s.lua", "@lua/%s/init.lua"};
    const char *file = luaL_gsub(L, name, ".", "/");
    for (int i = 0; i < 2; i++) {
        const char *chunk_name = lua_pushfstring(L, forms[i], file);
        const char *path = lua_pushfstring(L, "%s/%s", home, chunk_name + 1);
        if (is_file(path)) {
            compile_file(L, path, chunk_name);
            lua_pushstring(L, chunk_name);
            return 2;
        }
    }
    lua_pushfstring(L, "no module '%s' in %s/lua", name, home);
    return 1;
}

/* Upvalue 1: home, or nil. */
static int l_search_framework(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *home = lua_tostring(L, lua_upvalueindex(1));
    if (!is_framework(name))
        return 0;
    return home ? load_from_home(L, name, home) : load_embedded(L, name);
}

/* ---- the application's modules, and what else package.path says ---- */

/* What is under APP is told without APP. */
static const char *shorten(const char *path, struct slice app_dir)
{
    bool inside = strncmp(path, app_dir.p, app_dir.n) == 0 && path[app_dir.n] == '/';
    return inside ? path + app_dir.n + 1 : path;
}

/* Specs and their helpers live by busted's globals; all other files of the application have its environment. */
static bool is_sandboxed(const char *path, const char *short_path)
{
    return path != short_path && strncmp(short_path, "spec/", 5) != 0;
}

static int load_found(lua_State *L, const char *path, const char *short_path)
{
    compile_file(L, path, lua_pushfstring(L, "@%s", short_path));
    if (is_sandboxed(path, short_path))
        sandbox_enter(L, short_path);
    lua_pushstring(L, short_path);
    return 2;
}

static void push_package_field(lua_State *L, const char *key)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "package");
    lua_getfield(L, -1, key);
}

/* Upvalue 1: the application's folder. */
static int l_search_path(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (is_framework(name))
        return 0;
    size_t n;
    const char *app_dir = lua_tolstring(L, lua_upvalueindex(1), &n);
    const char *file = luaL_gsub(L, name, ".", "/");
    push_package_field(L, "path");
    const char *templates = luaL_gsub(L, luaL_checkstring(L, -1), "?", file);
    lua_pushliteral(L, ""); /* the list of what was tried */
    for (const char *at = templates; *at;) {
        size_t len = strcspn(at, ";");
        const char *path = lua_pushlstring(L, at, len);
        const char *short_path = shorten(path, slice_of(app_dir, n));
        if (len > 0 && is_file(path))
            return load_found(L, path, short_path);
        lua_pushfstring(L, "%s%sno file '%s'", lua_tostring(L, -2), lua_rawlen(L, -2) ? "\n\t" : "", short_path);
        lua_replace(L, -3);
        lua_pop(L, 1);
        at += len + (at[len] == ';');
    }
    return 1;
}

/* Upvalue 1: one of Lua's own searchers. What it found is handed on, where it looked is not told. */
static int l_search_quietly(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_type(L, 1) == LUA_TFUNCTION ? lua_gettop(L) : 0;
}

/* The last one, which finds nothing. Lua's own error would name the place that called require, but application code calls
 * it through the sandbox, so the place is that of the innermost Lua function. Upvalues: the two searchers above. */
static int l_not_found(lua_State *L)
{
    lua_Debug ar;
    int level = 0;
    do {
        if (!lua_getstack(L, ++level, &ar))
            break;
        lua_getinfo(L, "l", &ar);
    } while (ar.currentline < 0);
    luaL_where(L, level);
    lua_pushfstring(L, "module '%s' not found:\n\t", luaL_checkstring(L, 1));
    lua_pushvalue(L, lua_upvalueindex(is_framework(lua_tostring(L, 1)) ? 1 : 2));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_concat(L, 3);
    return lua_error(L);
}

/* ---- installing ---- */

/* C modules are looked for where Lua was built to look, but not in the folder that a person happens to be in. */
static void set_c_path(lua_State *L)
{
    lua_pushliteral(L, "");
    const char *all = (lua_getfield(L, 1, "cpath"), lua_tostring(L, -1));
    for (const char *at = all; *at;) {
        size_t len = strcspn(at, ";");
        if (len > 0 && *at == '/') {
            lua_pushlstring(L, at, len);
            lua_pushfstring(L, "%s%s%s", lua_tostring(L, -3), lua_rawlen(L, -3) ? ";" : "", lua_tostring(L, -1));
            lua_replace(L, -4);
            lua_pop(L, 1);
        }
        at += len + (at[len] == ';');
    }
    lua_pop(L, 1);
    lua_setfield(L, 1, "cpath");
}

static void set_searchers(lua_State *L, const char *app_dir, const char *home)
{
    lua_getfield(L, 1, "searchers"); /* preload, path, cpath, cpath of the root module */
    int own = lua_gettop(L);
    lua_createtable(L, 6, 0);
    lua_rawgeti(L, own, 1);
    lua_pushcclosure(L, l_search_quietly, 1);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, home);
    lua_pushcclosure(L, l_search_framework, 1);
    lua_rawseti(L, -2, 2);
    lua_pushstring(L, app_dir);
    lua_pushcclosure(L, l_search_path, 1);
    lua_rawseti(L, -2, 3);
    for (int i = 3; i <= 4; i++) {
        lua_rawgeti(L, own, i);
        lua_pushcclosure(L, l_search_quietly, 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_rawgeti(L, -1, 2);
    lua_rawgeti(L, -2, 3);
    lua_pushcclosure(L, l_not_found, 2);
    lua_rawseti(L, -2, 6);
    lua_setfield(L, 1, "searchers");
}

static int install(lua_State *L)
{
    const char *app_dir = lua_touserdata(L, 1), *home = lua_touserdata(L, 2);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "package");
    lua_replace(L, 1);
    lua_settop(L, 1);
    lua_pushfstring(L, "%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua", app_dir, app_dir, app_dir);
    lua_setfield(L, 1, "path");
    set_c_path(L);
    set_searchers(L, app_dir, home);
    return 0;
}

void modules_install(lua_State *L, const char *app_dir, const char *home)
{
    lua_pushcfunction(L, install);
    lua_pushlightuserdata(L, (void *)(uintptr_t)app_dir);
    lua_pushlightuserdata(L, (void *)(uintptr_t)home);
    lua_call(L, 2, 0);
}
