#include "host/config.h"
#include "base/version.h"
#include "host/signals.h"
#include "script/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct outcome { /* the child's answer, in memory that both see */
    int rc;
    struct settings settings;
    char err[ERR_MAX];
};

static int read_here(struct outcome *o, const struct place *place, const char *mode)
{
    uv_loop_t loop;
    struct wheel wheel;
    struct limits limits = limits_default;
    struct list engines;
    struct script_env env = {.loop = &loop,
                             .wheel = &wheel,
                             .limits = &limits,
                             .engines = &engines,
                             .mode = SCRIPT_TOOL,
                             .app_dir = place->app_dir,
                             .home = place->home,
                             .program = place->program,
                             .version = NEAP_VERSION};

    if (uv_loop_init(&loop) < 0)
        return fail(o->err, "no event loop can be made");
    wheel_init(&wheel, uv_now(&loop));
    list_init(&engines);
    struct engine *e = engine_new(&env, o->err);
    return e ? settings_load(&o->settings, e, mode, o->err) : -1;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int config_read(struct settings *out, const struct place *place, const char *mode, char err[static ERR_MAX])
{
    struct outcome *o = mmap(NULL, sizeof *o, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = -1;
    if (o == MAP_FAILED)
        return fail(err, "no memory to share with a child");
    pid_t pid = signals_fork();
    if (pid < 0) {
        fail(err, "cannot start a process to read the configuration");
        goto out;
    }
    if (pid == 0) {
        signals_unblock();
        o->rc = read_here(o, place, mode);
        _exit(0); /* the state goes with the process */
    }
    if (wait_for(pid) < 0) {
        fail(err, "the process that read the configuration died");
        goto out;
    }
    rc = o->rc;
    *out = o->settings;
    snprintf(err, ERR_MAX, "%s", o->err);
out:
    munmap(o, sizeof *o);
    return rc;
}
