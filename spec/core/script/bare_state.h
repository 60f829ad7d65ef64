#ifndef SPEC_CORE_SCRIPT_BARE_STATE_H
#define SPEC_CORE_SCRIPT_BARE_STATE_H
/* A lua_State without an engine, for what needs none, and a folder that an application may live in. */
#include "spec/core/test.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/neap-spec-XXXXXX";

static __attribute__((constructor)) void make_folder_of_the_test(void)
{
    if (mkdtemp(folder) == NULL)
        abort();
}

static __attribute__((destructor)) void remove_folder_of_the_test(void)
{
    char command[sizeof(folder) + 16];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s is left behind\n", folder);
}

/* folder/name with its text; folders on the way are made. */
static __attribute__((unused)) void write_text(const char *name, const char *text)
{
    char path[512], command[640];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", path);
    CHECK_INT(system(command), 0);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

/* Runs the text with ... as arguments of the folder's path; its result, or its error, as text that lives until the next. */
static __attribute__((unused)) const char *run(lua_State *L, const char *text)
{
    lua_settop(L, 0);
    if (luaL_loadbuffer(L, text, strlen(text), "=run") == LUA_OK) {
        lua_pushstring(L, folder);
        lua_pcall(L, 1, 1, 0);
    }
    return luaL_tolstring(L, -1, NULL);
}
#define CHECK_RUN(L, text, want)             \
    do {                                     \
        const char *got_ = run(L, text);     \
        CHECK_STR(got_, strlen(got_), want); \
    } while (0)
/* The result contains the words. */
#define CHECK_RUN_SAYS(L, text, words)            \
    do {                                          \
        const char *got_ = run(L, text);          \
        if (strstr(got_, words) == NULL)          \
            CHECK_STR(got_, strlen(got_), words); \
    } while (0)
#endif
