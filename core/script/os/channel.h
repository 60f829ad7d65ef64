#ifndef SCRIPT_OS_CHANNEL_H
#define SCRIPT_OS_CHANNEL_H
/* A byte stream that Lua reads by waiting: a socket, or one end of a child's pipe. It reads ahead into memory up to
 * CHANNEL_UNREAD_MAX and then leaves the rest to the sender's patience.
 *
 * The struct is on the heap and goes when both are over: its owner called channel_drop(), and libuv closed the handle. So a
 * Lua state that closes only drops. */
#include "base/buf.h"
#include "script/runtime/env.h"
#include "script/runtime/waiter.h"

enum {
    CHANNEL_UNREAD_MAX = 1 << 20, /* 1 MiB: enough to keep a pipe busy, little enough to hold a hundred of them */
    CHANNEL_READ_MAX = 64 << 20,  /* the most that one read(n) may ask for */
};

enum channel_kind { CHANNEL_TCP, CHANNEL_PIPE };
enum channel_want { WANT_ANY, WANT_BYTES, WANT_TEXT };

union channel_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct channel {
    union channel_handle u;
    struct buf in;   /* read from the peer, not yet by Lua */
    size_t in_max;   /* reading stops at so much */
    int in_error;    /* 0; UV_EOF or another code: nothing more will come */
    int out_error;   /* of the writes that were queued */
    unsigned writes; /* queued */
    bool reading, closing, closed, dropped;
    bool close_when_sent;
    bool close_at_eof; /* a pipe that is only read */
    struct waiter reader, writer;
    enum channel_want want; /* of the reader */
    size_t want_bytes;
    const char *want_text;                           /* borrowed from the reader's stack; want_bytes long */
    void (*on_input)(struct channel *ch, void *arg); /* takes the reader's place for C */
    void *arg;
    uv_shutdown_t shutdown;
};

struct channel *channel_new(const struct script_env *env, enum channel_kind kind);
void channel_close(struct channel *ch);     /* hangs up; what was read stays. May be called twice. */
void channel_reset(struct channel *ch);     /* the same with a RST to the peer where the protocol has one */
void channel_drop(struct channel *ch);      /* the owner lets go: closes, frees later. NULL is fine. */
int channel_read_start(struct channel *ch); /* a libuv code; what goes wrong is also what the next read tells */

/* What the methods of sockets and processes do; each must be the last statement of its lua_CFunction.
 * channel_read: a string; or nil, "eof" | "timeout" | message, and what came before it when that is not everything. */
int channel_read(lua_State *L, struct channel *ch, const char *what, double seconds);
int channel_read_bytes(lua_State *L, struct channel *ch, lua_Integer n, const char *what, double seconds);
/* Up to and with the text, which must stay on the stack. */
int channel_read_until(lua_State *L, struct channel *ch, int text_index, const char *what, double seconds);
/* true; or nil and a message. Waits until the kernel took everything. */
int channel_write(lua_State *L, struct channel *ch, int index, const char *what, double seconds);
int channel_shutdown(lua_State *L, struct channel *ch);
/* From C: sends it all and then hangs up, without anybody waiting. A libuv code. */
int channel_send_last(struct channel *ch, const char *p, size_t n) __attribute__((warn_unused_result));
int channel_push_error(lua_State *L, int code); /* nil, "eof" or libuv's message */
#endif
