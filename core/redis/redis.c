#include "redis/redis.h"

#include "base/log.h"
#include "base/mem.h"
#include "redis/redis_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { WORDS_MAX = 3 + 2 * REDIS_NUMBERS_MAX };

static void watch(struct redis *r);

static void on_timer(struct wheel_timer *t)
{
    struct redis *r = LIST_OF(t, struct redis, timer);
    switch (r->state) {
    case REDIS_AWAY:
        redis_connect(r);
        break;
    case REDIS_UP:
        watch(r);
        break;
    case REDIS_CLOSED:
        break;
    default:
        redis_drop(r, "connecting took too long");
    }
}

struct redis *redis_new(const struct redis_opts *opts)
{
    struct redis *r = mem_zalloc(sizeof *r);
    if (!redis_place_parse(slice_str(opts->url), &r->place)) {
        free(r);
        return NULL;
    }
    r->opts = *opts;
    r->opts.url = NULL;
    list_init(&r->calls);
    wheel_timer_init(&r->timer, on_timer);
    redis_connect(r);
    return r;
}

void redis_close(struct redis *r)
{
    if (r == NULL)
        return;
    redisAsyncContext *ac = r->ac;
    if (r->was_up)
        log_note(LOG_INFO, "redis", "shutdown.redis", NULL, NULL);
    r->state = REDIS_CLOSED;
    r->ac = NULL;
    wheel_clear(r->opts.wheel, &r->timer);
    if (r->looking)
        uv_cancel((uv_req_t *)&r->lookup);
    r->open++; /* it is still looked at here */
    if (ac != NULL)
        redisAsyncFree(ac);
    r->open--;
    redis_settle(r);
}

bool redis_is_up(const struct redis *r)
{
    return r != NULL && r->state == REDIS_UP;
}

/* ---- calls ---- */

static void call_end(struct redis_call *call, const struct redis_numbers *numbers)
{
    struct redis *r = call->redis;
    redis_fn fn = call->fn;
    void *arg = call->arg;
    list_remove(&call->link);
    r->call_n--;
    if (numbers != NULL)
        r->counts.calls++;
    else
        r->counts.failed++;
    free(call);
    if (fn != NULL)
        fn(numbers, arg);
}

static bool read_numbers(const redisReply *reply, struct redis_numbers *out)
{
    out->n = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > REDIS_NUMBERS_MAX)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
        out->list[out->n++] = reply->element[i]->integer;
    }
    return true;
}

static void on_reloaded(redisAsyncContext *ac, void *reply, void *arg)
{
    (void)ac;
    (void)reply;
    (void)arg;
}

/* SCRIPT FLUSH takes it away. Any other error is one of Redis itself, which became a replica or is out of memory. */
static void see_error(struct redis *r, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return;
    if (strncmp(reply->str, "NOSCRIPT", 8) == 0 && r->ac != NULL)
        redisAsyncCommandArgv(r->ac, on_reloaded, r, 3, (const char *[]){"SCRIPT", "LOAD", r->opts.script}, NULL);
    else
        redis_drop(r, reply->str);
}

static void on_reply(redisAsyncContext *ac, void *answer, void *arg)
{
    struct redis_call *call = arg;
    struct redis *r = call->redis;
    const redisReply *reply = answer;
    struct redis_numbers numbers;
    if (reply == NULL && r->ac == ac)
        redis_lost(r, ac->errstr);
    bool ok = reply != NULL && read_numbers(reply, &numbers);
    if (reply != NULL && !ok)
        see_error(r, reply);
    call_end(call, ok ? &numbers : NULL);
}

static void watch(struct redis *r)
{
    struct list *first = list_first(&r->calls);
    uint64_t now = r->opts.wheel->now_ms;
    if (first == NULL)
        return;
    uint64_t deadline = LIST_OF(first, struct redis_call, link)->deadline_ms;
    if (deadline <= now)
        redis_drop(r, "it did not answer in time");
    else
        wheel_set(r->opts.wheel, &r->timer, deadline - now);
}

static struct redis_call *call_new(struct redis *r, redis_fn fn, void *arg)
{
    struct redis_call *call = mem_zalloc(sizeof *call);
    *call = (struct redis_call){.redis = r, .fn = fn, .arg = arg, .deadline_ms = r->opts.wheel->now_ms + REDIS_COMMAND_MS};
    list_push_back(&r->calls, &call->link);
    r->call_n++;
    return call;
}

struct redis_call *redis_run(struct redis *r, const struct slice *keys, unsigned key_n, const struct slice *args,
                             unsigned arg_n, redis_fn fn, void *arg)
{
    const char *words[WORDS_MAX] = {"EVALSHA", r->sha};
    size_t sizes[WORDS_MAX] = {7, sizeof r->sha - 1};
    char count[16];
    int n = 2;
    assert(key_n + arg_n <= WORDS_MAX - 3);
    if (r->state != REDIS_UP || r->call_n >= REDIS_LINE_MAX)
        return NULL;
    sizes[n] = (size_t)snprintf(count, sizeof count, "%u", key_n);
    words[n++] = count;
    for (unsigned i = 0; i < key_n + arg_n; i++, n++) {
        struct slice word = i < key_n ? keys[i] : args[i - key_n];
        words[n] = word.p;
        sizes[n] = word.n;
    }
    struct redis_call *call = call_new(r, fn, arg);
    if (redisAsyncCommandArgv(r->ac, on_reply, call, n, words, sizes) != REDIS_OK) {
        call->fn = NULL;
        call_end(call, NULL);
        return NULL;
    }
    if (!wheel_is_set(&r->timer))
        watch(r);
    return call;
}

void redis_forget(struct redis_call *call)
{
    call->fn = NULL;
}

/* ---- is it there? ---- */

static void on_pong(redisAsyncContext *ac, void *reply, void *arg)
{
    struct redis *r = arg;
    if (reply != NULL && r->ac == ac)
        r->pongs++;
}

uint64_t redis_ping(struct redis *r)
{
    const char *ping = "PING";
    if (!redis_is_up(r) || redisAsyncCommandArgv(r->ac, on_pong, r, 1, &ping, NULL) != REDIS_OK)
        return 0;
    return ++r->pings;
}

bool redis_ponged(const struct redis *r, uint64_t ping)
{
    return redis_is_up(r) && ping != 0 && r->pongs >= ping;
}

const char *redis_library_version(void)
{
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
    return TEXT(HIREDIS_MAJOR) "." TEXT(HIREDIS_MINOR) "." TEXT(HIREDIS_PATCH);
#undef TEXT
#undef TEXT_
}

struct redis_counts redis_counts(const struct redis *r)
{
    return r->counts;
}
