#include "host/serve.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rates.h"
#include "host/cli.h"
#include "host/dev.h"
#include "host/listen.h"
#include "host/process.h"
#include "host/signals.h"
#include "host/supervisor.h"
#include "host/worker.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct service {
    struct place *place;
    char app_dir[PATH_MAX];
    struct cli cli;
    bool dev;
    struct settings settings;
    struct shared *shared;
    struct rates *rates;
    int *fds;
    int port;
    pid_t pid; /* the supervisor's */
};

static int complain(int code, const char *err)
{
    fprintf(stderr, "neap: %s\n", err);
    return code;
}

static int find_application(struct service *s, char err[static ERR_MAX])
{
    char init[PATH_MAX + 32];
    struct stat st;
    if (realpath(s->cli.dir, s->app_dir) == NULL)
        return fail(err, "there is no folder %s", s->cli.dir);
    s->place->app_dir = s->app_dir;
    snprintf(init, sizeof init, "%s/lua/app/init.lua", s->app_dir);
    if (stat(init, &st) < 0)
        return fail(err, "there is no application in %s: lua/app/init.lua is missing (`neap new NAME` makes one)",
                    s->app_dir);
    return 0;
}

/* A flag is the setting of that name, wherever it is read. */
static void set_flags(const struct service *s)
{
    if (s->cli.host)
        setenv("HOST", s->cli.host, 1);
    if (s->cli.port)
        setenv("PORT", s->cli.port, 1);
    if (s->cli.workers)
        setenv("WORKERS", s->cli.workers, 1);
    if (s->dev)
        setenv("WORKERS", "1", 1);
}

static int be_worker(unsigned slot, void *arg)
{
    struct service *s = arg;
    struct worker_opts o = {.settings = &s->settings,
                            .place = s->place,
                            .shared = s->shared,
                            .rates = s->rates,
                            .slot = slot,
                            .fd = s->fds[slot],
                            .supervisor = s->pid,
                            .port = s->port,
                            .mode = s->dev ? SCRIPT_DEV : SCRIPT_SERVE,
                            .watch = s->dev && !s->cli.no_watch};
    for (unsigned i = 0; i < s->shared->count; i++)
        if (i != slot)
            close(s->fds[i]);
    return worker_run(&o);
}

static int supervise(struct service *s)
{
    char err[ERR_MAX] = "";
    int code = EXIT_FAILED;
    unsigned workers = s->settings.workers > 0 ? s->settings.workers : process_cores();

    s->shared = shared_open(workers);
    s->rates = rates_open(RATES_BUCKETS);
    if (s->shared == NULL || s->rates == NULL)
        return complain(EXIT_FAILED, "no memory to share with workers");
    s->fds = mem_alloc(workers * sizeof *s->fds);
    s->port = s->dev ? 0 : listen_inherited(workers, s->fds, err);
    if (s->port == 0)
        s->port = listen_bind(s->settings.host, s->settings.port, workers, s->fds, err);
    if (s->port < 0) {
        complain(EXIT_FAILED, err);
        goto out;
    }
    struct supervisor_opts o = {.shared = s->shared,
                                .fds = s->fds,
                                .shutdown_ms = s->settings.limits.shutdown_ms,
                                .dev = s->dev,
                                .run = be_worker,
                                .arg = s};
    code = supervisor_run(&o);
out:
    free(s->fds);
    rates_close(s->rates);
    shared_close(s->shared);
    return code;
}

static int run(struct service *s)
{
    char err[ERR_MAX] = "";
    if (s->dev) {
        int code = dev_prepare(s->place, s->cli.as);
        if (code != 0)
            return code;
    }
    int rc = config_read(&s->settings, s->place, s->dev ? "dev" : "serve", err);
    if (rc != 0)
        return cli_complain(rc, err);
    log_open(STDOUT_FILENO, s->settings.log_level);
    if (s->dev && isatty(STDOUT_FILENO))
        log_set_pretty(true, getenv("NO_COLOR") == NULL);
    return supervise(s);
}

int serve_main(struct place *place, bool dev, int argc, char **argv)
{
    struct service s = {.place = place, .dev = dev, .pid = getpid()};
    char err[ERR_MAX] = "";

    if (cli_parse(&s.cli, dev, argc, argv, err) < 0) {
        complain(EXIT_USAGE, err);
        cli_print_help(stderr, dev);
        return EXIT_USAGE;
    }
    if (s.cli.help) {
        cli_print_help(stdout, dev);
        return EXIT_OK;
    }
    if (find_application(&s, err) < 0)
        return complain(EXIT_CONFIG, err);
    if (signals_open() < 0)
        return complain(EXIT_FAILED, "no pipe for signals");
    process_raise_file_limit();
    set_flags(&s);
    int code = run(&s);
    if (dev)
        dev_finish(place);
    log_flush();
    return code;
}
