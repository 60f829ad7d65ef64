#ifndef SPEC_CORE_SCRIPT_TOOL_STATE_H
#define SPEC_CORE_SCRIPT_TOOL_STATE_H
/* An engine in tool mode with a loop of its own, for what waits. Each run is a new engine; afterwards every handle must
 * close, or the test fails. */
#include "script/engine.h"
#include "script/runtime/task.h"
#include "spec/core/script/bare_state.h"
#include <signal.h>

struct tool_state {
    uv_loop_t loop;
    struct wheel wheel;
    uv_timer_t tick;
    struct limits limits;
    struct list engines;
    struct script_env env;
    struct engine *engine;
    int done;         /* tasks that ended */
    bool cancel_soon; /* the task is cancelled in the middle of its wait */
    unsigned ticks;
};

static void on_tool_tick(uv_timer_t *h)
{
    struct tool_state *s = h->data;
    wheel_advance(&s->wheel, uv_now(&s->loop));
    if (s->cancel_soon && ++s->ticks == 4)
        engine_cancel_all(s->engine);
}

static void on_tool_done(int code, void *arg)
{
    (void)code;
    struct tool_state *s = arg;
    s->done++;
}

static void open_tool(struct tool_state *s)
{
    char err[ERR_MAX];
    *s = (struct tool_state){.limits = limits_default};
    CHECK_INT(uv_loop_init(&s->loop), 0);
    wheel_init(&s->wheel, uv_now(&s->loop));
    list_init(&s->engines);
    uv_timer_init(&s->loop, &s->tick);
    s->tick.data = s;
    uv_timer_start(&s->tick, on_tool_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
    s->env = (struct script_env){.loop = &s->loop,
                                 .wheel = &s->wheel,
                                 .limits = &s->limits,
                                 .engines = &s->engines,
                                 .mode = SCRIPT_TOOL,
                                 .app_dir = folder,
                                 .program = "/nowhere/neap",
                                 .version = "0"};
    s->engine = engine_new(&s->env, err);
    if (s->engine == NULL)
        test_fail(__FILE__, __LINE__, err);
}

/* Whatever Lua left open must close now, with nothing but the loop to help it. */
static void close_tool(struct tool_state *s)
{
    engine_retire(s->engine);
    uv_close((uv_handle_t *)&s->tick, NULL);
    for (int i = 0; i < 200 && uv_run(&s->loop, UV_RUN_NOWAIT) != 0; i++)
        usleep(10000);
    CHECK_INT(s->wheel.count, 0);
    CHECK_INT(uv_loop_close(&s->loop), 0);
}

/* The text is the body of a function of a task; what it returns or raises (without its place) is kept. os is
 * neap.core.os, folder the test's folder. */
static void write_task(const char *name, const char *text)
{
    struct buf b = BUF_INIT;
    buf_printf(&b,
               "local os, folder, name = require 'neap.core.os', '%s', '%s' return { main = function() "
               "local ok, r = pcall(function() %s end) r = tostring(r):gsub('^spec/task.lua:%%d+: ', '') "
               "os.write_file(folder .. '/' .. name, r) end }",
               folder, name, text);
    buf_char(&b, '\0');
    char file[64];
    snprintf(file, sizeof(file), "spec/%s.lua", name);
    write_text(file, b.p);
    buf_free(&b);
}

/* A second task may run beside it; it goes first, until it waits. */
static const char *run_task_until(const char *text, const char *beside, bool cancel_soon)
{
    static char result[4096];
    static struct tool_state s;
    write_text("task", "(no result)");
    write_task("task", text);
    if (beside != NULL)
        write_task("beside", beside);
    open_tool(&s);
    s.cancel_soon = cancel_soon;
    if (beside != NULL)
        engine_run(s.engine, "spec.beside", on_tool_done, &s);
    engine_run(s.engine, "spec.task", on_tool_done, &s);
    while (engine_tasks(s.engine) > 0 && uv_run(&s.loop, UV_RUN_ONCE) != 0)
        ;
    CHECK_INT(s.done, beside ? 2 : 1);
    close_tool(&s);

    char path[128];
    snprintf(path, sizeof(path), "%s/task", folder);
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    result[fread(result, 1, sizeof(result) - 1, f)] = '\0';
    fclose(f);
    return result;
}

#define CHECK_TASKS(text, beside_it, want)                         \
    do {                                                           \
        const char *got_ = run_task_until(text, beside_it, false); \
        CHECK_STR(got_, strlen(got_), want);                       \
    } while (0)
#define CHECK_TASK(text, want)                                \
    do {                                                      \
        const char *got_ = run_task_until(text, NULL, false); \
        CHECK_STR(got_, strlen(got_), want);                  \
    } while (0)
/* Nothing catches a cancel: the task ends without a result, and all that it had opened closes. */
#define CHECK_CANCELLED(text)                                \
    do {                                                     \
        const char *got_ = run_task_until(text, NULL, true); \
        CHECK_STR(got_, strlen(got_), "(no result)");        \
    } while (0)
#endif
