#include "redis/redis_internal.h"

#include "base/log.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 100, RETRY_MS_MAX = 5000 };

static void tell_away(struct redis *r, const char *why)
{
    if (r->told)
        return;
    r->told = true;
    log_note(LOG_WARN, "redis", "redis.away: limits are counted on this host alone until it is back", "reason", why);
}

static void tell_up(struct redis *r)
{
    if (!r->was_up || r->told)
        log_note(LOG_INFO, "redis", r->was_up ? "redis.back" : "startup.redis", NULL, NULL);
    r->was_up = true;
    r->told = false;
}

/* Twice as long each time, and not all workers at once. */
static uint64_t retry_ms(const struct redis *r)
{
    uint64_t ms = (uint64_t)RETRY_MS << (r->failures < 6 ? r->failures : 6);
    if (ms > RETRY_MS_MAX)
        ms = RETRY_MS_MAX;
    return ms / 2 + random_u64() % (ms / 2 + 1);
}

/* What is called while the calls end sees a Redis that is away. */
void redis_lost(struct redis *r, const char *why)
{
    r->ac = NULL;
    if (r->state == REDIS_CLOSED)
        return;
    tell_away(r, why != NULL && why[0] != '\0' ? why : "the connection was closed");
    r->state = REDIS_AWAY;
    r->pongs = r->pings; /* none will come */
    wheel_set(r->opts.wheel, &r->timer, retry_ms(r));
    r->failures++;
}

void redis_drop(struct redis *r, const char *why)
{
    redisAsyncContext *ac = r->ac;
    redis_lost(r, why);
    if (ac != NULL)
        redisAsyncFree(ac);
}

void redis_settle(struct redis *r)
{
    if (r->state == REDIS_CLOSED && r->open == 0)
        free(r);
}

/* ---- greeting ---- */

static bool is_fault(struct redis *r, redisAsyncContext *ac, const redisReply *reply)
{
    if (r->ac != ac)
        return true;
    if (reply == NULL)
        redis_lost(r, ac->errstr);
    else if (reply->type == REDIS_REPLY_ERROR)
        redis_drop(r, reply->str);
    else
        return false;
    return true;
}

static void on_greeted(redisAsyncContext *ac, void *reply, void *arg)
{
    (void)is_fault(arg, ac, reply);
}

static void say(struct redis *r, redisCallbackFn *fn, int n, const char **words)
{
    if (r->ac != NULL && redisAsyncCommandArgv(r->ac, fn, r, n, words, NULL) != REDIS_OK)
        redis_drop(r, r->ac->errstr);
}

static void on_tried(redisAsyncContext *ac, void *answer, void *arg)
{
    struct redis *r = arg;
    if (is_fault(r, ac, answer))
        return;
    r->state = REDIS_UP;
    r->failures = 0;
    wheel_clear(r->opts.wheel, &r->timer);
    tell_up(r);
}

/* A replica, or a Redis whose memory is full, takes the script and refuses what it does: so it is tried once. */
static void on_loaded(redisAsyncContext *ac, void *answer, void *arg)
{
    struct redis *r = arg;
    const redisReply *reply = answer;
    if (is_fault(r, ac, reply))
        return;
    if (reply->type != REDIS_REPLY_STRING || (size_t)reply->len != sizeof r->sha - 1) {
        redis_drop(r, "SCRIPT LOAD was answered with no name");
        return;
    }
    memcpy(r->sha, reply->str, sizeof r->sha - 1);
    say(r, on_tried, 6, (const char *[]){"EVALSHA", r->sha, "1", r->opts.trial_key, "1", "1"});
}

static void greet(struct redis *r)
{
    const struct redis_place *p = &r->place;
    char db[16];
    snprintf(db, sizeof db, "%u", p->db);
    r->state = REDIS_GREETING;
    if (p->user[0] != '\0')
        say(r, on_greeted, 3, (const char *[]){"AUTH", p->user, p->password});
    else if (p->password[0] != '\0')
        say(r, on_greeted, 2, (const char *[]){"AUTH", p->password});
    if (p->db != 0)
        say(r, on_greeted, 2, (const char *[]){"SELECT", db});
    say(r, on_loaded, 3, (const char *[]){"SCRIPT", "LOAD", r->opts.script});
}

/* ---- connecting ---- */

static void on_connected(const redisAsyncContext *ac, int status)
{
    struct redis *r = ac->data;
    if (r == NULL || r->ac != ac)
        return;
    if (status == REDIS_OK)
        greet(r);
    else
        redis_lost(r, ac->errstr);
}

static void on_disconnected(const redisAsyncContext *ac, int status)
{
    struct redis *r = ac->data;
    (void)status;
    if (r != NULL && r->ac == ac)
        redis_lost(r, ac->errstr);
}

static void dial(struct redis *r, const char *address)
{
    redisAsyncContext *ac =
        r->place.is_path ? redisAsyncConnectUnix(address) : redisAsyncConnect(address, (int)r->place.port);
    if (ac == NULL || ac->err != 0 || poll_attach(r, ac) != 0) {
        redis_lost(r, ac != NULL ? ac->errstr : "out of memory");
        if (ac != NULL)
            redisAsyncFree(ac);
        return;
    }
    ac->data = r;
    r->ac = ac;
    r->state = REDIS_CONNECTING;
    redisAsyncSetConnectCallback(ac, on_connected);
    redisAsyncSetDisconnectCallback(ac, on_disconnected);
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct redis *r = req->data;
    char address[NI_MAXHOST];
    r->open--;
    r->looking = false;
    if (r->state != REDIS_LOOKING_UP) /* given up meanwhile */
        redis_settle(r);
    else if (status != 0)
        redis_lost(r, uv_strerror(status));
    else if (getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) != 0)
        redis_lost(r, "its address cannot be written");
    else
        dial(r, address);
    uv_freeaddrinfo(list);
}

/* hiredis would ask for the name itself and hold up the loop. */
static void look_up(struct redis *r)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    r->state = REDIS_LOOKING_UP;
    r->lookup.data = r;
    int rc = uv_getaddrinfo(r->opts.loop, &r->lookup, on_found, r->place.host, NULL, &hints);
    r->looking = rc == 0;
    if (rc == 0)
        r->open++;
    else
        redis_lost(r, uv_strerror(rc));
}

static bool is_address(const char *host)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

void redis_connect(struct redis *r)
{
    if (r->place.is_path || is_address(r->place.host))
        dial(r, r->place.host);
    else if (!r->looking)
        look_up(r);
    else
        redis_lost(r, "the last attempt is not over"); /* its lookup is still on the thread pool */
    if (r->state != REDIS_AWAY)
        wheel_set(r->opts.wheel, &r->timer, REDIS_CONNECT_MS);
}
