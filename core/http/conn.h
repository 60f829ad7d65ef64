#ifndef HTTP_CONN_H
#define HTTP_CONN_H
/* Private to the ring: a connection and the server that it belongs to.
 *
 * The memory of idle connections is what a server of many is made of. So a connection between two requests is this
 * struct and nothing else: it reads into the server's buffer, answers through the server's buffer, and borrows a request
 * only while it has one. `in` holds what came and could not be used yet: a head that is not whole, pipelined requests.
 *
 * Reading goes on while a request runs, so that a client that leaves is noticed without a system call per request. */
#include "http/body.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "http/server.h"

enum {
    READ_BYTES = 64 * 1024,
    /* Pipelined input that one connection may leave waiting; beyond it the kernel's buffer fills and the client waits. */
    KEPT_BYTES_MAX = 16 * 1024,
    /* Answers of a pipelined batch go out together, up to this. */
    GATHER_BYTES_MAX = 32 * 1024,
    /* A body up to this is copied behind its head: cheaper than a second iovec for the kernel. */
    JOIN_BYTES_MAX = 4 * 1024,
    /* What a client may still send after its last answer, and for how long, before it is cut off: 10 MB to a route
     * that takes 1 MiB should end in a 413 that can be read, not in a reset. */
    LINGER_BYTES_MAX = 16 * 1024 * 1024,
    LINGER_QUIET_MS = 2 * 1000,
    LINGER_MS = 15 * 1000,
    DRAIN_IDLE_MS = 1000,
    REQUESTS_KEPT_MAX = 64,
    FILES_KEPT = 32, /* file descriptors that connections leave to others */
    FILES_TELL_MS = 10 * 1000,
    REFUSED_MAX = 256, /* connections over the limit that are being told so; more are cut off without a word */
};

enum conn_state {
    CONN_IDLE,   /* between requests */
    CONN_HEAD,   /* part of a head is in `in` */
    CONN_BODY,   /* req is waiting for the rest of its body */
    CONN_RUN,    /* req is the app's */
    CONN_STREAM, /* an answer without end is on its way: `stream`, and req until it is detached */
    CONN_SEND,   /* the client is slow in taking what it asked for */
    CONN_LINGER, /* all is said: reads to throw away, so that the client is not reset before it has read the answer */
    CONN_CLOSED,
};

/* A request and what reads its body. The first member is the request, so that one leads to the other. */
struct exchange {
    struct request req;
    struct body_reader reader;
};

struct conn {
    uv_tcp_t tcp;          /* data is the conn */
    struct server *server; /* borrowed */
    struct request *req;   /* shared with the app from start() on; NULL between requests */
    struct stream *stream; /* its owner's; STREAM alone */
    struct list link;      /* server->conns */
    struct list ready;     /* server->ready: has input to work on and nobody who calls */
    struct wheel_timer timer;
    uint64_t deadline_ms; /* on the wheel's clock; the timer may fire before, and is then set again */
    uint64_t timer_ms;    /* when the timer fires */
    uint64_t head_us;     /* HEAD: when its first byte came */
    uint64_t linger_until_ms;
    struct buf in;
    uint32_t scanned;     /* of `in`, for head_scan */
    uint32_t linger_left; /* bytes */
    size_t queue_seen;    /* bytes queued when progress was last checked */
    struct address peer;  /* who is at the other end; UNKNOWN: not asked yet */
    uint8_t stalls;       /* checks without progress */
    enum conn_state state : 8;
    bool fresh;   /* no request yet */
    bool feeding; /* conn_feed is on the stack */
    bool reading;
    bool eof;         /* the client will send no more */
    bool broken;      /* writing failed; closed at the end of the feed */
    bool close_after; /* once all is sent */
    bool unread;      /* input may be on its way that nobody will use: linger */
    bool refused;     /* over connections_max */
};

struct server {
    struct server_opts opts;
    struct route_table *routes; /* counted; NULL before server_set_routes */
    struct server_counts counts;
    struct http_metrics *metrics; /* opts.metrics, or owned */
    struct list conns, ready;
    struct list gone, turning; /* streams whose owners are to be told */
    struct list requests_free;
    unsigned requests_free_count;
    unsigned live; /* requests that were acquired and not released, and streams */
    int files_max; /* the first file descriptor that is too high for a connection */
    uint64_t files_told_ms;
    unsigned refusing; /* connections that are being told that there are too many */

    struct buf out;        /* answers that were not handed to the kernel yet */
    struct conn *out_conn; /* whose they are */
    struct buf scratch;    /* an envelope while it is sent */
    struct buf common;     /* the header lines that every answer has, Date first */
    struct buf note;       /* server_set_note */
    struct cors cors;
    struct forwarded forwarded;
    uint64_t common_ms; /* when `common` was made, on the loop's clock; 0: must be made */

    uv_tcp_t listener;
    bool listening;
    uv_idle_t turn; /* runs only while there is something that must not happen on the caller's stack */
    bool draining, cancelled, closing;
    void (*on_drained)(void *arg);
    void *drained_arg;
    void (*on_closed)(void *arg);
    void *closed_arg;
    char input[READ_BYTES];
};

/* server.c */
void server_wake(struct server *s);      /* server_turn runs soon, from the loop */
void server_conn_closed(struct conn *c); /* the last callback of a connection: frees it */
void server_settled(struct server *s);   /* a connection or request is gone: was it the last? */
struct slice server_common_headers(struct server *s);

/* request.c */
struct request *request_acquire(struct server *s);
void request_release(struct request *req);
void request_free(struct request *req);
void request_own(struct request *req);  /* copies head and body out of the read buffer; fine when they are copied */
void request_name(struct request *req); /* its id: the client's or a new one */

/* conn.c */
void conn_open(struct server *s, int fd);                   /* fd: accepted by hand, taken; -1: the listener's next one */
void conn_set_request(struct conn *c, struct request *req); /* NULL: none; counts the active ones */
void conn_enter(struct conn *c, enum conn_state state);
void conn_deadline(struct conn *c, uint64_t after_ms);
void conn_close(struct conn *c); /* may be called twice */
void conn_go_on(struct conn *c); /* after an answer */
uint64_t conn_send_check_ms(const struct limits *limits);
void conn_settle(struct conn *c); /* all that can be done was done: which state is this now? */
const struct address *conn_peer(struct conn *c);

/* conn_read.c */
void conn_read_start(struct conn *c);
void conn_feed_kept(struct conn *c); /* goes on with `in` */

/* conn_write.c */
struct buf *conn_out(struct conn *c);               /* where its next bytes are to be appended */
void conn_flush(struct conn *c, struct slice tail); /* sends what was gathered, then tail (borrowed during the call) */
size_t conn_queued(const struct conn *c);

/* conn_request.c: both return how much they used. */
size_t conn_take_head(struct conn *c, const char *p, size_t n);
size_t conn_take_body(struct conn *c, const char *p, size_t n);
void conn_refuse(struct conn *c, int status, const char *code,
                 const char *why); /* the last answer; makes a request for it */

/* response.c: the head into conn_out(), for a request whose conn is there. */
void response_begin(struct request *req, const struct response *res);

/* stream.c */
void stream_on_written(struct conn *c); /* the kernel took what libuv had queued; c may be closed afterwards */
void stream_on_conn_closed(struct conn *c);
void stream_check_progress(struct conn *c); /* the conn's deadline */
void stream_tell_owners(struct server *s);  /* in server_turn */

/* access.c */
struct access_facts {
    struct slice method, path, id, route, user_id, ip, log_fields;
    uint64_t started_us;
    unsigned series; /* see metrics.h */
    const char *end; /* of a stream that is not whole, else NULL */
};
struct access_facts access_facts_of(const struct request *req);         /* all but ip and end; borrowed from req */
void access_ip(struct request *req, char out[static ADDRESS_TEXT_MAX]); /* "" when it is not known, or nobody logs */
void access_write(struct server *s, const struct access_facts *f, int status, uint64_t bytes);
/* status: also STATUS_CLIENT_LEFT. */
void access_line(struct request *req, int status, size_t bytes);
#endif
