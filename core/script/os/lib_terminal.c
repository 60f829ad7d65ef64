/* What a command wants of the terminal. */
#include "base/buf.h"
#include "base/mem.h"
#include "script/os/lib_os.h"
#include "script/runtime/env.h"
#include "script/runtime/waiter.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20, LOOK_UP_MS = 100 };

static int l_isatty(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* ---- readline ----
 *
 * On the thread pool: making the terminal non-blocking would do so for the shell that started us, which shares it. The
 * thread looks up now and then, so that a cancelled task does not leave it waiting for a key. */
struct line {
    uv_work_t work;
    struct waiter waiter;
    struct buf text;
    atomic_bool given_up;
    bool got, over;
};

/* Byte by byte, so that what follows the line stays there for the next reader. */
static void read_line(uv_work_t *work)
{
    struct line *l = LIST_OF(work, struct line, work);
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!atomic_load(&l->given_up) && l->text.n < LINE_MAX_BYTES) {
        char c;
        if (poll(&in, 1, LOOK_UP_MS) <= 0)
            continue;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        l->got = n > 0 || l->text.n > 0;
        if (n <= 0 || c == '\n')
            return;
        buf_char(&l->text, c);
    }
}

static void free_line(struct line *l)
{
    buf_free(&l->text);
    free(l);
}

static void on_line(uv_work_t *work, int status)
{
    (void)status;
    struct line *l = LIST_OF(work, struct line, work);
    if (l->over)
        free_line(l);
    else
        waiter_end(&l->waiter);
}

static void on_give_up(void *arg)
{
    struct line *l = arg;
    l->over = true;
    atomic_store(&l->given_up, true);
}

static int push_line(lua_State *L, void *arg)
{
    struct line *l = arg;
    if (l->got)
        lua_pushlstring(L, l->text.n ? l->text.p : "", l->text.n);
    else
        lua_pushnil(L);
    free_line(l);
    return 1;
}

/* A line without its newline, nil at the end of the input. Waits as long as the person does. */
static int l_readline(lua_State *L)
{
    const char *prompt = luaL_optstring(L, 1, "");
    (void)script_task(L);
    const struct script_env *env = engine_env(L);
    fputs(prompt, stdout);
    fflush(stdout);

    struct line *l = mem_zalloc(sizeof(*l));
    waiter_init(&l->waiter, env->wheel);
    l->waiter.push = push_line;
    l->waiter.arg = l;
    l->waiter.on_give_up = on_give_up;
    int rc = uv_queue_work(env->loop, &l->work, read_line, on_line);
    if (rc < 0) {
        free_line(l);
        return luaL_error(L, "readline: %s", uv_strerror(rc));
    }
    return waiter_start(L, &l->waiter, "os.readline", (double)INFINITY);
}

const luaL_Reg lib_terminal_functions[] = {{"isatty", l_isatty}, {"readline", l_readline}, {NULL, NULL}};
