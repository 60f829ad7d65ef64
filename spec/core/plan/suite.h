#ifndef SPEC_PLAN_SUITE_H
#define SPEC_PLAN_SUITE_H
/* Where the official suites are. They are fetched, not committed: clone them next to each other and name the folder,
 *
 *     SUITES_DIR=... with JSONTestSuite/ (nst) and JSON-Schema-Test-Suite/ (json-schema-org) in it
 *
 * or each for itself: JSON_TEST_SUITE=..., JSON_SCHEMA_SUITE=... A suite that is not there is skipped, and says so. */
#include "base/arena.h"
#include "base/buf.h"
#include "spec/core/test.h"
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

enum { SUITE_SKIPPED = 77 }; /* an exit code that ctest lists as skipped */

static __attribute__((unused)) void suite_exit(int status, void *arg)
{
    (void)arg;
    fflush(stdout);
    if (status == 0)
        _exit(SUITE_SKIPPED);
}

/* Whether the folder `inside` of the suite is there; then its path is in out. */
static __attribute__((unused)) bool suite_find(char out[static 4096], const char *variable, const char *name,
                                               const char *inside)
{
    const char *own = getenv(variable), *all = getenv("SUITES_DIR");

    if (own != NULL)
        snprintf(out, 4096, "%s/%s", own, inside);
    else if (all != NULL)
        snprintf(out, 4096, "%s/%s/%s", all, name, inside);
    DIR *dir = own != NULL || all != NULL ? opendir(out) : NULL;
    if (dir != NULL) {
        closedir(dir);
        return true;
    }
    printf("  SKIPPED: %s is not there (set SUITES_DIR or %s)%s%s\n", name, variable, own || all ? ", looked for " : "",
           own || all ? out : "");
    on_exit(suite_exit, NULL);
    return false;
}

static __attribute__((unused)) struct buf suite_read(const char *path)
{
    struct buf all = BUF_INIT;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        test_fail(path, 0, "can't be read");
    for (size_t n = 1; n > 0; all.n += n)
        n = fread(buf_reserve(&all, 65536), 1, 65536, f);
    fclose(f);
    return all;
}

/* Calls fn for each *.json of a folder, by name. */
static __attribute__((unused)) unsigned suite_each(const char *folder, void (*fn)(const char *path, const char *name))
{
    struct dirent **list;
    int n = scandir(folder, &list, NULL, alphasort);
    unsigned called = 0;

    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
        char path[4096 + 300];
        const char *dot = strrchr(list[i]->d_name, '.');
        if (dot != NULL && strcmp(dot, ".json") == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
            fn(path, list[i]->d_name);
            called++;
        }
        free(list[i]);
    }
    free(list);
    return called;
}
#endif
