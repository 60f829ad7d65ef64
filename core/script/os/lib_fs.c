#define _GNU_SOURCE /* mkostemp, nftw */
/* Files and folders. Nothing here keeps C memory across a call that may raise. */
#include "script/os/lib_os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0755, FILE_MODE = 0644, WALK_FILES_MAX = 32 };

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFSOCK:
        return "socket";
    case S_IFIFO:
        return "fifo";
    default:
        return "device";
    }
}

static mode_t check_mode(lua_State *L, int arg, mode_t otherwise)
{
    lua_Integer mode = luaL_optinteger(L, arg, (lua_Integer)otherwise);
    luaL_argcheck(L, mode >= 0 && mode <= 07777, arg, "not a file mode");
    return (mode_t)mode;
}

/* true, or nil, message, errno */
static int push_outcome(lua_State *L, int rc, const char *path)
{
    return luaL_fileresult(L, rc == 0, path);
}

/* A folder that is already there is fine, something else of that name is not. */
static int make_folder(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST || stat(path, &st) < 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        return 0;
    errno = ENOTDIR;
    return -1;
}

static int l_mkdir(lua_State *L)
{
    size_t n;
    const char *path = luaL_checklstring(L, 1, &n);
    mode_t mode = check_mode(L, 2, FOLDER_MODE);
    char part[PATH_MAX];
    luaL_argcheck(L, n > 0 && n < sizeof(part), 1, "not a path");

    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (make_folder(part, FOLDER_MODE) < 0)
            return push_outcome(L, -1, part);
    }
    return push_outcome(L, make_folder(path, mode), path);
}

struct listing {
    struct dirent **entries; /* owned, each of them too */
    int n;
};

static int l_listing_free(lua_State *L)
{
    struct listing *l = lua_touserdata(L, 1);
    for (int i = 0; i < l->n; i++)
        free(l->entries[i]);
    free(l->entries);
    *l = (struct listing){0};
    return 0;
}

static int is_entry(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Not every file system fills in d_type, so what is unknown is asked for. */
static int read_listing(const char *path, struct listing *l)
{
    int n = scandir(path, &l->entries, is_entry, by_bytes);
    if (n < 0)
        return -1;
    l->n = n;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < n && folder >= 0; i++) {
        struct stat st;
        struct dirent *e = l->entries[i];
        if (e->d_type == DT_UNKNOWN && fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            e->d_type = (unsigned char)IFTODT(st.st_mode);
    }
    if (folder >= 0)
        close(folder);
    return 0;
}

static int l_list(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);

    struct listing *l = lua_newuserdatauv(L, sizeof(*l), 0);
    *l = (struct listing){0};
    if (luaL_newmetatable(L, "neap.os.listing")) {
        lua_pushcfunction(L, l_listing_free);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    if (read_listing(path, l) < 0)
        return push_outcome(L, -1, path);

    lua_createtable(L, l->n, 0);
    for (int i = 0; i < l->n; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, l->entries[i]->d_name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, type_name((mode_t)DTTOIF(l->entries[i]->d_type)));
        lua_setfield(L, -2, "type");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static void set_integer(lua_State *L, const char *key, lua_Integer v)
{
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

static int l_stat(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;
    if (stat(path, &st) < 0)
        return push_outcome(L, -1, path);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, type_name(st.st_mode));
    lua_setfield(L, -2, "type");
    lua_pushnumber(L, (lua_Number)st.st_mtim.tv_sec + (lua_Number)st.st_mtim.tv_nsec / 1e9);
    lua_setfield(L, -2, "mtime");
    set_integer(L, "size", (lua_Integer)st.st_size);
    set_integer(L, "uid", (lua_Integer)st.st_uid);
    set_integer(L, "gid", (lua_Integer)st.st_gid);
    set_integer(L, "mode", (lua_Integer)(st.st_mode & 07777));
    return 1;
}

static int on_stream_gc(lua_State *L)
{
    luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    fclose(s->f);
    return 0;
}

/* The file is one of the io library's, so that it is closed also when memory runs out in the middle. */
static int l_read_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    luaL_Stream *s = lua_newuserdatauv(L, sizeof(*s), 0);
    s->closef = NULL;
    luaL_setmetatable(L, LUA_FILEHANDLE);
    s->f = fopen(path, "rbe");
    if (s->f == NULL)
        return push_outcome(L, -1, path);
    s->closef = on_stream_gc;

    luaL_Buffer b;
    luaL_buffinit(L, &b);
    size_t got;
    do {
        got = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, s->f);
        luaL_addsize(&b, got);
    } while (got == LUAL_BUFFERSIZE);
    bool failed = ferror(s->f) != 0;
    int why = errno;
    luaL_pushresult(&b);
    s->closef = NULL;
    fclose(s->f);
    errno = why;
    return failed ? push_outcome(L, -1, path) : 1;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

/* A reader sees the old file or the new one, after a power cut too: hence the sync before the rename. */
static int replace_file(const char *path, char *temp, const char *data, size_t n, mode_t mode)
{
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = write_all(fd, data, n);
    if (rc == 0)
        rc = fchmod(fd, mode);
    if (rc == 0)
        rc = fsync(fd);
    int why = errno;
    if (close(fd) < 0 && rc == 0) {
        rc = -1;
        why = errno;
    }
    if (rc == 0 && rename(temp, path) < 0) {
        rc = -1;
        why = errno;
    }
    if (rc < 0)
        unlink(temp);
    errno = why;
    return rc;
}

static int l_write_file(lua_State *L)
{
    size_t n, path_n;
    const char *path = luaL_checklstring(L, 1, &path_n);
    const char *data = luaL_checklstring(L, 2, &n);
    mode_t mode = check_mode(L, 3, FILE_MODE);
    static const char suffix[] = ".XXXXXX";
    char temp[PATH_MAX];
    luaL_argcheck(L, path_n > 0 && path_n + sizeof(suffix) <= sizeof(temp), 1, "not a path");

    memcpy(temp, path, path_n);
    memcpy(temp + path_n, suffix, sizeof(suffix));
    return push_outcome(L, replace_file(path, temp, data, n, mode), path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int l_remove(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    bool recursive = false;
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "recursive");
        recursive = lua_toboolean(L, -1);
    }
    if (!recursive)
        return push_outcome(L, remove(path), path);
    /* FTW_PHYS: a link is removed, never what it points at. */
    return push_outcome(L, nftw(path, remove_one, WALK_FILES_MAX, FTW_DEPTH | FTW_PHYS), path);
}

static int l_chmod(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    luaL_checkinteger(L, 2);
    return push_outcome(L, chmod(path, check_mode(L, 2, 0)), path);
}

static int l_chown(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer uid = luaL_checkinteger(L, 2), gid = luaL_checkinteger(L, 3);
    return push_outcome(L, chown(path, (uid_t)uid, (gid_t)gid), path);
}

static int l_symlink(lua_State *L)
{
    const char *target = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
    return push_outcome(L, symlink(target, path), path);
}

static int l_realpath(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return push_outcome(L, -1, path);
    lua_pushstring(L, real);
    return 1;
}

static int l_rename(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
    return push_outcome(L, rename(path, to), path);
}

/* A new folder that only this user may enter: tempdir("neap-") makes /tmp/neap-x3Kq0a. */
static int l_tempdir(lua_State *L)
{
    const char *prefix = luaL_optstring(L, 1, "neap-"), *base = getenv("TMPDIR");
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%sXXXXXX", base && *base ? base : "/tmp", prefix);
    luaL_argcheck(L, n > 0 && (size_t)n < sizeof(path), 1, "not a path");
    if (mkdtemp(path) == NULL)
        return push_outcome(L, -1, path);
    lua_pushstring(L, path);
    return 1;
}

static int l_cwd(lua_State *L)
{
    char path[PATH_MAX];
    if (getcwd(path, sizeof(path)) == NULL)
        return push_outcome(L, -1, "cwd");
    lua_pushstring(L, path);
    return 1;
}

/* neap.core.files: what the framework reads while an application loads, in a service too. */
int luaopen_neap_core_files(lua_State *L)
{
    static const luaL_Reg reading[] = {{"list", l_list}, {"read_file", l_read_file}, {NULL, NULL}};
    luaL_newlib(L, reading);
    return 1;
}

const luaL_Reg lib_fs_functions[] = {
    {"mkdir", l_mkdir},   {"tempdir", l_tempdir}, {"list", l_list},           {"stat", l_stat},
    {"cwd", l_cwd},       {"remove", l_remove},   {"read_file", l_read_file}, {"write_file", l_write_file},
    {"chmod", l_chmod},   {"chown", l_chown},     {"symlink", l_symlink},     {"realpath", l_realpath},
    {"rename", l_rename}, {NULL, NULL},
};
