#include "host/tool.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rates.h"
#include "base/version.h"
#include "host/process.h"
#include "script/runtime/watchdog.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* timeout(1) sends its signal to the command and to the group that it is in: within REPEAT_MS both are one. */
enum { CLOSE_MS = 3000, REPEAT_MS = 250, EXIT_SIGNALLED = 128 };

/* ---- the clockwork ---- */

static void on_tick(uv_timer_t *timer)
{
    struct tool *t = timer->data;
    wheel_advance(&t->wheel, uv_now(&t->loop));
}

static void on_flush(uv_prepare_t *h)
{
    (void)h;
    log_flush();
}

static struct tool *signalled; /* a handler has no argument */
static pthread_t loop_thread;

/* The first signal lets the command clean up behind itself; the second ends it as it would end any program. Not through
 * the loop: Lua that computes for ever would never let it come round. */
static void on_signal(int number)
{
    if (!pthread_equal(pthread_self(), loop_thread)) {
        pthread_kill(loop_thread, number);
        return;
    }
    struct tool *t = signalled;
    if (t->interrupted != 0 && uv_hrtime() / 1000000 < t->interrupted_ms + REPEAT_MS)
        return;
    if (t->interrupted != 0 || t->over) {
        signal(number, SIG_DFL);
        raise(number); /* comes when this handler returns */
        return;
    }
    t->interrupted_ms = uv_hrtime() / 1000000;
    t->interrupted = number;
    if (!t->leaving)
        watchdog_interrupt(number);
    uv_async_send(&t->interrupt);
}

static void on_interrupt(uv_async_t *h)
{
    struct tool *t = h->data;
    if (!t->leaving)
        engine_interrupt(t->engine, t->interrupted);
}

/* nohup(1) has SIGHUP ignored, and that stays so. */
static void catch_signals(struct tool *t)
{
    struct sigaction was, sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    signalled = t;
    loop_thread = pthread_self();
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &sa, NULL);
}

static void drop_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction now;

    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler == on_signal)
            signal(caught[i], SIG_DFL);
}

static int start_clockwork(struct tool *t)
{
    if (uv_loop_init(&t->loop) < 0)
        return -1;
    wheel_init(&t->wheel, uv_now(&t->loop));
    uv_timer_init(&t->loop, &t->tick);
    uv_prepare_init(&t->loop, &t->flush);
    uv_async_init(&t->loop, &t->interrupt, on_interrupt);
    t->tick.data = t->interrupt.data = t;
    uv_timer_start(&t->tick, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
    uv_prepare_start(&t->flush, on_flush);
    catch_signals(t);
    return 0;
}

static void stop_clockwork(struct tool *t)
{
    uv_handle_t *own[] = {(uv_handle_t *)&t->tick, (uv_handle_t *)&t->flush, (uv_handle_t *)&t->interrupt};
    drop_signals();
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        uv_close(own[i], NULL);
    while (uv_run(&t->loop, UV_RUN_NOWAIT) != 0 && uv_hrtime() / 1000000 < t->give_up_ms)
        ;
    uv_loop_close(&t->loop);
}

/* ---- the settings ---- */

/* Commands talk on stdout; their log is for trouble, and for who asks for it. */
static void open_log(const struct settings *s)
{
    log_open(STDERR_FILENO, getenv("LOG_LEVEL") ? s->log_level : LOG_WARN);
    log_set_pretty(isatty(STDERR_FILENO), getenv("NO_COLOR") == NULL);
}

static int load_settings(struct tool *t, const struct cli_command *command)
{
    char err[ERR_MAX] = "";
    int rc = settings_load(&t->settings, t->engine, "tool", err);
    if (rc != 0 && command->needs_config)
        return cli_complain(rc, err);
    if (rc != 0)
        settings_default(&t->settings);
    t->limits = t->settings.limits;
    open_log(&t->settings);
    return EXIT_OK;
}

/* ---- life ---- */

static void on_left(int code, void *arg)
{
    struct tool *t = arg;
    t->over = true;
    if (t->exit_code == EXIT_OK)
        t->exit_code = code;
    if (t->interrupted != 0)
        t->exit_code = EXIT_SIGNALLED + t->interrupted;
    uv_stop(&t->loop);
}

/* A task that was cancelled runs no more Lua to speak of: what it has to undo is undone in one of its own. */
static void on_done(int code, void *arg)
{
    struct tool *t = arg;
    t->leaving = true;
    t->exit_code = code;
    if (t->interrupted != 0)
        engine_cancel_all(t->engine);
    engine_run(t->engine, "neap.tool.leave", on_left, t);
}

static void run(struct tool *t, const struct cli_command *command)
{
    char module[64];
    snprintf(module, sizeof module, "neap.cli.%s", command->name);
    for (char *p = module; *p; p++)
        if (*p == '-')
            *p = '_';
    watchdog_start(t->limits.handler_cpu_ms);
    engine_run(t->engine, module, on_done, t);
    while (!t->over && uv_run(&t->loop, UV_RUN_DEFAULT) != 0)
        ;
    watchdog_stop();
}

/* Tasks that the command left behind are ended first: they may hold connections. */
static void close_all(struct tool *t)
{
    t->give_up_ms = uv_hrtime() / 1000000 + CLOSE_MS;
    engine_cancel_all(t->engine);
    tool_close_parts(t);
    while ((t->closing > 0 || engine_tasks(t->engine) > 0) && uv_hrtime() / 1000000 < t->give_up_ms)
        uv_run(&t->loop, UV_RUN_ONCE);
    engine_retire(t->engine);
    stop_clockwork(t);
    log_flush();
}

static int start(struct tool *t, const struct place *place, int argc, char **argv)
{
    char err[ERR_MAX] = "";
    settings_default(&t->settings);
    t->limits = limits_default;
    list_init(&t->engines);
    t->env = (struct script_env){.loop = &t->loop,
                                 .wheel = &t->wheel,
                                 .limits = &t->limits,
                                 .rates = rates_open(RATES_BUCKETS), /* takes memory when something is counted */
                                 .engines = &t->engines,
                                 .mode = SCRIPT_TOOL,
                                 .app_dir = place->app_dir,
                                 .home = place->home,
                                 .program = place->program,
                                 .version = NEAP_VERSION,
                                 .argc = argc,
                                 .argv = argv};
    tool_host_fill(t);
    t->shared = shared_open(1);
    if (t->shared == NULL) {
        cli_complain(-1, "no memory for the metrics");
        return -1;
    }
    atomic_store(&t->shared->slots[0].pid, getpid());
    t->env.counts = &t->shared->slots[0].metrics.script;
    if (start_clockwork(t) < 0)
        fail(err, "the event loop cannot start");
    else
        t->engine = engine_new(&t->env, err);
    if (t->engine == NULL)
        cli_complain(-1, err);
    return t->engine ? 0 : -1;
}

/* What was inherited is this process's alone: what dev-prepare tells on descriptor 3 ends when it ends, not when the
 * Postgres that it started does. */
static void keep_descriptors(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int tool_main(const struct place *place, const struct cli_command *command, int argc, char **argv)
{
    struct tool *t = mem_zalloc(sizeof *t);
    int code = EXIT_FAILED;

    signal(SIGPIPE, SIG_IGN);
    keep_descriptors();
    process_raise_file_limit();
    if (start(t, place, argc, argv) < 0)
        goto out;
    code = load_settings(t, command);
    if (code == EXIT_OK) {
        run(t, command);
        code = t->exit_code;
    }
    close_all(t);
out:
    rates_close(t->env.rates);
    buf_free(&t->metrics_text);
    shared_close(t->shared);
    free(t);
    return code;
}
