#define _GNU_SOURCE /* memmem */
#include "script/os/channel.h"
#include "base/mem.h"
#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

enum { READ_STEP = 64 * 1024 };

static void free_when_over(struct channel *ch)
{
    if (!ch->closed || !ch->dropped)
        return;
    buf_free(&ch->in);
    free(ch);
}

/* Somebody closed it while a task waited here: that task is told now, from the loop, as resuming needs. */
static void on_closed(uv_handle_t *h)
{
    struct channel *ch = h->data;
    bool dropped = ch->dropped;
    ch->dropped = false; /* keeps it alive through the Lua that runs below */
    ch->closed = true;
    if (ch->in_error == 0)
        ch->in_error = UV_ECANCELED;
    if (ch->out_error == 0)
        ch->out_error = UV_ECANCELED;
    waiter_end(&ch->reader);
    waiter_end(&ch->writer);
    ch->dropped = ch->dropped || dropped;
    free_when_over(ch);
}

struct channel *channel_new(const struct script_env *env, enum channel_kind kind)
{
    struct channel *ch = mem_zalloc(sizeof(*ch));
    int rc = kind == CHANNEL_TCP ? uv_tcp_init(env->loop, &ch->u.tcp) : uv_pipe_init(env->loop, &ch->u.pipe, 0);
    assert(rc == 0); /* neither makes a socket yet */
    (void)rc;
    ch->u.handle.data = ch;
    ch->in_max = CHANNEL_UNREAD_MAX;
    waiter_init(&ch->reader, env->wheel);
    waiter_init(&ch->writer, env->wheel);
    return ch;
}

void channel_close(struct channel *ch)
{
    if (ch->closing)
        return;
    ch->closing = true;
    ch->reading = false;
    uv_close(&ch->u.handle, on_closed);
}

/* uv_tcp_close_reset() refuses after a shutdown; then a plain close has to do. */
void channel_reset(struct channel *ch)
{
    if (ch->closing)
        return;
    if (ch->u.handle.type == UV_TCP && uv_tcp_close_reset(&ch->u.tcp, on_closed) == 0) {
        ch->closing = true;
        ch->reading = false;
        return;
    }
    channel_close(ch);
}

void channel_drop(struct channel *ch)
{
    if (ch == NULL || ch->dropped)
        return;
    ch->dropped = true;
    ch->on_input = NULL;
    channel_close(ch);
    free_when_over(ch);
}

static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct channel *ch = h->data;
    out->base = buf_reserve(&ch->in, READ_STEP);
    out->len = READ_STEP;
}

static void stop(struct channel *ch)
{
    if (ch->reading)
        uv_read_stop(&ch->u.stream);
    ch->reading = false;
}

static bool has_wanted(const struct channel *ch);

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    (void)b;
    struct channel *ch = s->data;
    if (n == 0)
        return;
    if (n > 0) {
        ch->in.n += (size_t)n;
        if (ch->in.n >= ch->in_max)
            stop(ch);
    } else {
        stop(ch);
        ch->in_error = (int)n;
        if (ch->close_at_eof)
            channel_close(ch);
    }
    if (ch->on_input)
        ch->on_input(ch, ch->arg);
    else if (waiter_is_set(&ch->reader) && has_wanted(ch))
        waiter_end(&ch->reader);
}

int channel_read_start(struct channel *ch)
{
    if (ch->reading || ch->closing || ch->in_error != 0)
        return 0;
    int rc = uv_read_start(&ch->u.stream, on_room, on_read);
    if (rc < 0)
        ch->in_error = rc;
    else
        ch->reading = true;
    return rc;
}

/* ---- reading from Lua ---- */

enum { NOT_YET = -1 };

/* How many bytes of `in` are what the reader wants; 0 when they are not there. */
static size_t wanted_bytes(const struct channel *ch)
{
    const char *at;
    switch (ch->want) {
    case WANT_ANY:
        return ch->in.n;
    case WANT_BYTES:
        return ch->in.n >= ch->want_bytes ? ch->want_bytes : 0;
    case WANT_TEXT:
        at = ch->in.n ? memmem(ch->in.p, ch->in.n, ch->want_text, ch->want_bytes) : NULL;
        return at ? (size_t)(at - ch->in.p) + ch->want_bytes : 0;
    }
    return 0;
}

static bool is_over_full(const struct channel *ch)
{
    return ch->want == WANT_TEXT && ch->in.n >= ch->in_max;
}

static bool has_wanted(const struct channel *ch)
{
    return ch->in_error != 0 || is_over_full(ch) || wanted_bytes(ch) > 0;
}

int channel_push_error(lua_State *L, int code)
{
    lua_pushnil(L);
    lua_pushstring(L, code == UV_EOF ? "eof" : uv_strerror(code));
    return 2;
}

/* What came before the end belongs to the caller too. */
static int push_rest(lua_State *L, struct channel *ch, int n)
{
    if (ch->in.n == 0)
        return n;
    lua_pushlstring(L, ch->in.p, ch->in.n);
    buf_clear(&ch->in);
    return n + 1;
}

static int take(lua_State *L, struct channel *ch)
{
    size_t n = wanted_bytes(ch);
    if (n > 0) {
        lua_pushlstring(L, ch->in.p, n);
        buf_consume(&ch->in, n);
        ch->in_max = CHANNEL_UNREAD_MAX;
        if (ch->in.n < ch->in_max)
            (void)channel_read_start(ch);
        return 1;
    }
    if (is_over_full(ch)) {
        lua_pushnil(L);
        lua_pushliteral(L, "the text did not come within 1 MiB");
        return 2;
    }
    if (ch->in_error != 0)
        return push_rest(L, ch, channel_push_error(L, ch->in_error));
    return NOT_YET;
}

static int push_read(lua_State *L, void *arg)
{
    struct channel *ch = arg;
    int n = take(L, ch);
    if (n != NOT_YET)
        return n;
    lua_pushnil(L);
    lua_pushstring(L, ch->reader.timed_out ? "timeout" : "cancelled");
    return 2;
}

static int read_wanted(lua_State *L, struct channel *ch, const char *what, double seconds)
{
    int n = take(L, ch);
    if (n != NOT_YET)
        return n;
    (void)channel_read_start(ch);
    ch->reader.push = push_read;
    ch->reader.arg = ch;
    return waiter_start(L, &ch->reader, what, seconds);
}

static void check_reader(lua_State *L, const struct channel *ch, const char *what)
{
    if (waiter_is_set(&ch->reader))
        luaL_error(L, "%s: another task reads from this already", what);
}

int channel_read(lua_State *L, struct channel *ch, const char *what, double seconds)
{
    check_reader(L, ch, what);
    ch->want = WANT_ANY;
    return read_wanted(L, ch, what, seconds);
}

int channel_read_bytes(lua_State *L, struct channel *ch, lua_Integer n, const char *what, double seconds)
{
    check_reader(L, ch, what);
    if (n <= 0 || n > CHANNEL_READ_MAX)
        return luaL_error(L, "%s: the number of bytes must be between 1 and %d", what, (int)CHANNEL_READ_MAX);
    ch->want = WANT_BYTES;
    ch->want_bytes = (size_t)n;
    if (ch->in_max < ch->want_bytes)
        ch->in_max = ch->want_bytes;
    return read_wanted(L, ch, what, seconds);
}

int channel_read_until(lua_State *L, struct channel *ch, int text_index, const char *what, double seconds)
{
    size_t n;
    const char *text = luaL_checklstring(L, text_index, &n);
    luaL_argcheck(L, n > 0, text_index, "the text to look for is empty");
    check_reader(L, ch, what);
    ch->want = WANT_TEXT;
    ch->want_text = text;
    ch->want_bytes = n;
    return read_wanted(L, ch, what, seconds);
}

/* ---- writing from Lua ---- */

struct write {
    uv_write_t req;
    struct channel *ch;
    char data[];
};

static void on_written(uv_write_t *req, int status)
{
    struct write *w = LIST_OF(req, struct write, req);
    struct channel *ch = w->ch;
    free(w);
    ch->writes--;
    if (status < 0)
        ch->out_error = status;
    if (ch->writes == 0 && ch->close_when_sent)
        channel_close(ch);
    /* While the handle closes, on_closed() tells the writer. */
    if (ch->writes == 0 && !ch->closing)
        waiter_end(&ch->writer);
}

static int push_written(lua_State *L, void *arg)
{
    struct channel *ch = arg;
    if (ch->out_error != 0)
        return channel_push_error(L, ch->out_error);
    if (ch->writer.timed_out) {
        lua_pushnil(L);
        lua_pushliteral(L, "timeout");
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int queue_write(struct channel *ch, const char *p, size_t n)
{
    struct write *w = mem_alloc(sizeof(*w) + n);
    w->ch = ch;
    memcpy(w->data, p, n);
    uv_buf_t b = uv_buf_init(w->data, (unsigned)n);
    int rc = uv_write(&w->req, &ch->u.stream, &b, 1, on_written);
    if (rc < 0)
        free(w);
    else
        ch->writes++;
    return rc;
}

int channel_send_last(struct channel *ch, const char *p, size_t n)
{
    int rc = n > 0 ? queue_write(ch, p, n) : 0;
    ch->close_when_sent = true;
    if (ch->writes == 0)
        channel_close(ch);
    return rc;
}

int channel_write(lua_State *L, struct channel *ch, int index, const char *what, double seconds)
{
    size_t n;
    const char *p = luaL_checklstring(L, index, &n);
    if (n > CHANNEL_READ_MAX)
        return luaL_error(L, "%s: more than %d bytes at once", what, (int)CHANNEL_READ_MAX);
    (void)script_task(L); /* raises before anything is sent, not in the middle */
    if (ch->out_error != 0 || ch->closing)
        return channel_push_error(L, ch->out_error ? ch->out_error : UV_ECANCELED);
    if (ch->writes > 0) {
        lua_pushnil(L);
        lua_pushliteral(L, "an earlier write is not through yet");
        return 2;
    }

    uv_buf_t b = uv_buf_init((char *)(uintptr_t)p, (unsigned)n);
    int sent = n > 0 ? uv_try_write(&ch->u.stream, &b, 1) : 0;
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        return channel_push_error(L, sent);
    if ((size_t)sent < n) {
        int rc = queue_write(ch, p + sent, n - (size_t)sent);
        if (rc < 0)
            return channel_push_error(L, rc);
        ch->writer.push = push_written;
        ch->writer.arg = ch;
        return waiter_start(L, &ch->writer, what, seconds);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* The handle is closed only after this, so there is nothing to do. */
static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status;
}

int channel_shutdown(lua_State *L, struct channel *ch)
{
    int rc = ch->closing ? UV_ENOTCONN : uv_shutdown(&ch->shutdown, &ch->u.stream, on_shutdown);
    if (rc < 0)
        return channel_push_error(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}
