#include "http/conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

enum { COPY_BYTES_KEPT = 16 * 1024 }; /* a recycled request holds no more than this of each copy */

struct request *request_acquire(struct server *s)
{
    struct list *node = list_first(&s->requests_free);
    struct request *req;
    if (node != NULL) {
        req = LIST_OF(node, struct request, link);
        list_remove(node);
        s->requests_free_count--;
    } else {
        struct exchange *x = mem_alloc(sizeof *x);
        req = &x->req;
        memset(req, 0, sizeof *req);
        req->server = s;
        list_init(&req->link);
    }
    s->live++;
    return req;
}

static void trim(struct buf *b)
{
    if (b->cap > COPY_BYTES_KEPT)
        buf_free(b);
    else
        buf_clear(b);
}

void request_free(struct request *req)
{
    arena_free(&req->arena);
    buf_free(&req->head_copy);
    buf_free(&req->body_copy);
    buf_free(&req->log_fields);
    free(req);
}

void request_release(struct request *req)
{
    struct server *s = req->server;
    if (req->table != NULL)
        route_table_unref(req->table);
    arena_reset(&req->arena);
    s->live--;
    if (s->requests_free_count >= REQUESTS_KEPT_MAX) {
        request_free(req);
    } else {
        trim(&req->head_copy);
        trim(&req->body_copy);
        trim(&req->log_fields);
        req->conn = NULL;
        req->base = NULL;
        req->match.route = NULL;
        req->table = NULL;
        req->body = slice_of(NULL, 0);
        req->upload = NULL; /* the arena has seen to it */
        req->id_n = 0;
        req->caller = NULL;
        req->address.kind = ADDRESS_UNKNOWN;
        req->more_headers = slice_of(NULL, 0);
        req->user_id = slice_of(NULL, 0);
        req->task = NULL;
        req->started = req->cancelled = req->answered = req->headless = false;
        list_push_front(&s->requests_free, &req->link);
        s->requests_free_count++;
    }
    if (s->live == 0)
        server_settled(s);
}

void request_own(struct request *req)
{
    if (!req->headless && req->base != req->head_copy.p) {
        buf_clear(&req->head_copy);
        buf_append(&req->head_copy, req->base, req->head.bytes);
        req->base = req->head_copy.p;
    }
    if (req->body.n > 0 && req->body.p != req->body_copy.p) {
        buf_clear(&req->body_copy);
        buf_append(&req->body_copy, req->body.p, req->body.n);
        req->body = buf_view(&req->body_copy);
    }
}

static bool is_id(struct slice s)
{
    if (s.n == 0 || s.n > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return true;
}

void request_name(struct request *req)
{
    struct slice given = request_header(req, HEADER_X_REQUEST_ID);
    if (is_id(given)) {
        memcpy(req->id, given.p, given.n);
        req->id_n = (uint8_t)given.n;
    } else {
        random_label(req->id);
        req->id_n = UUID_TEXT;
    }
}

struct slice request_header(const struct request *r, enum header_id id)
{
    if (r->headless || r->head.known[id] == 0)
        return SLICE_LIT("");
    return span_slice(r->base, r->head.headers[r->head.known[id] - 1].value);
}

struct slice request_header_named(const struct request *r, struct slice name)
{
    if (r->headless)
        return (struct slice){0};
    for (unsigned i = 0; i < r->head.header_count; i++)
        if (slice_eq_nocase(span_slice(r->base, r->head.headers[i].name), name))
            return span_slice(r->base, r->head.headers[i].value);
    return (struct slice){0};
}

struct slice request_path(const struct request *r)
{
    return r->headless ? SLICE_LIT("") : span_slice(r->base, r->head.path);
}

struct slice request_query(const struct request *r)
{
    return r->headless ? SLICE_LIT("") : span_slice(r->base, r->head.query);
}

struct slice request_id(const struct request *r)
{
    return slice_of(r->id, r->id_n);
}
