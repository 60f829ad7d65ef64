#include "script/auth/jwks_source.h"

#include "auth/jwks_fetch.h"
#include "base/log.h"
#include "base/mem.h"
#include <stdlib.h>

struct jwks_source {
    uv_work_t work;
    char *url; /* owned */
    struct jwks set;
    struct buf document; /* as it was fetched last: the same again changes nothing */
    struct buf fetched;  /* of the pool's thread while busy */
    char err[ERR_MAX];
    int rc;
    unsigned version;
    unsigned holders; /* engines, the process, and a fetch that is under way */
    bool busy, tried;
    uint64_t tried_ms, got_ms;
};

static struct jwks_source *the_source;

void jwks_source_release(struct jwks_source *s)
{
    if (s == NULL || --s->holders > 0)
        return;
    jwks_deinit(&s->set);
    buf_free(&s->document);
    buf_free(&s->fetched);
    free(s->url);
    free(s);
}

struct jwks_source *jwks_source_of(const char *url)
{
    if (the_source == NULL || strcmp(the_source->url, url) != 0) {
        jwks_source_release(the_source);
        the_source = mem_zalloc(sizeof *the_source);
        the_source->url = mem_dup(url, strlen(url));
        the_source->work.data = the_source;
        the_source->holders = 1; /* the process, until there is another */
    }
    the_source->holders++;
    return the_source;
}

static void on_work(uv_work_t *work)
{
    struct jwks_source *s = work->data;
    s->rc = jwks_fetch(s->url, &s->fetched, s->err);
}

static void take(struct jwks_source *s)
{
    struct jwks set;
    if (slice_eq(buf_view(&s->fetched), buf_view(&s->document)))
        return;
    s->rc = jwks_read(&set, buf_view(&s->fetched), s->err);
    if (s->rc != 0)
        return;
    jwks_deinit(&s->set);
    s->set = set;
    s->version++;
    buf_clear(&s->document);
    buf_slice(&s->document, buf_view(&s->fetched));
}

static void tell(const struct jwks_source *s)
{
    struct log_line l;
    bool ok = s->rc == 0;
    if (!log_begin(&l, ok ? LOG_INFO : LOG_ERROR, "auth", ok ? "jwks.fetched" : "jwks.failed"))
        return;
    log_str(&l, "url", s->url);
    if (ok)
        log_int(&l, "keys", (int64_t)s->set.n);
    else
        log_str(&l, "error", s->err);
    log_end(&l);
}

static void on_worked(uv_work_t *work, int status)
{
    struct jwks_source *s = work->data;
    s->busy = false;
    if (status != 0)
        s->rc = fail(s->err, "%s", uv_strerror(status));
    if (s->rc == 0)
        take(s);
    if (s->rc == 0)
        s->got_ms = uv_now(work->loop);
    tell(s);
    jwks_source_release(s);
}

bool jwks_source_fetch(struct jwks_source *s, uv_loop_t *loop)
{
    uint64_t now = uv_now(loop);
    if (s->busy)
        return true;
    if (s->tried && now - s->tried_ms < JWKS_GAP_MS)
        return false;
    s->tried = true;
    s->tried_ms = now;
    buf_clear(&s->fetched);
    s->busy = uv_queue_work(loop, &s->work, on_work, on_worked) == 0;
    s->holders += s->busy;
    return s->busy;
}

void jwks_source_freshen(struct jwks_source *s, uv_loop_t *loop)
{
    if (s->version == 0 || uv_now(loop) - s->got_ms > JWKS_AGE_MS_MAX)
        (void)jwks_source_fetch(s, loop);
}

const struct jwks *jwks_source_keys(const struct jwks_source *s)
{
    return &s->set;
}

unsigned jwks_source_version(const struct jwks_source *s)
{
    return s->version;
}
