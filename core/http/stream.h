#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H
/* An answer in pieces, whose length nobody knows when it begins: chunked (RFC 9112 7.1), or to the end of the connection
 * for HTTP/1.0.
 *
 * Its owner opens it in place of response_send() and calls stream_end() exactly once, whatever happens; that is what
 * writes the access line and frees it. Until stream_detach() the request stays, and the app hears of a client that leaves
 * by http_app.cancel() as for any request. A detached stream is all that is left of its request: a connection, this
 * struct and a count on the routes.
 *
 * The kernel's buffer comes first; what it does not take is queued, up to queue_max. A queue that does not get shorter
 * for limits.send_ms ends the connection. */
#include "http/response.h"

struct stream;

enum {
    STREAM_QUEUE_MAX = 256 * 1024,
    STREAM_LOW_BYTES = 16 * 1024, /* on_drain is called when no more than this is queued */
};

enum stream_status { STREAM_OK = 0, STREAM_FULL, STREAM_GONE };

/* How it ended, as the access line says it. */
enum stream_end {
    STREAM_DONE,    /* whole */
    STREAM_FAILED,  /* the last chunk is left out (a reset for HTTP/1.0), so that the client can tell */
    STREAM_SLOW,    /* the client takes too little: cut off with all that is queued */
    STREAM_LEFT,    /* the client went */
    STREAM_STALLED, /* the client took nothing for send_ms */
};

/* Both are called from the loop, never from inside a call of the owner's. */
struct stream_owner {
    /* After a STREAM_FULL, a stream_queued() above STREAM_LOW_BYTES, or stream_turn(). */
    void (*on_drain)(void *arg);
    void (*on_gone)(void *arg); /* at most once: the connection is closed, every write says STREAM_GONE */
    void *arg;
};

/* Sends the head: status, content_type, headers and close of `head`. Not for HEAD requests: response_send() answers those
 * with head->streamed. */
struct stream *stream_open(struct request *req, const struct response *head, const struct stream_owner *owner);
/* All of it or nothing: STREAM_FULL when it would not fit the queue. The bytes are borrowed during the call. */
enum stream_status stream_write(struct stream *s, struct slice bytes) __attribute__((warn_unused_result));
/* on_drain is called in the next turn of the loop, whatever is queued: a client as quick as its handler must not keep all
 * the others waiting. */
void stream_turn(struct stream *s);
size_t stream_queued(const struct stream *s); /* bytes that the kernel has not taken */
bool stream_is_gone(const struct stream *s);
void stream_queue_max(struct stream *s, size_t bytes); /* STREAM_QUEUE_MAX until it is said */
/* The request ends, the answer goes on. */
void stream_detach(struct stream *s);
void stream_end(struct stream *s, enum stream_end how);
#endif
