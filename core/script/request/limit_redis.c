#include "script/request/limit.h"

#include "base/mem.h"
#include "http/response.h"
#include "redis/redis.h"
#include "script/runtime/env.h"
#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 32 + 2 * LIMIT_SUBJECT_MAX, NUMBER_MAX = 32 };

/* Redis keeps for each key until when it owes, in microseconds of its own clock, and forgets it then. For each key it
 * answers whether it was allowed and what it owes now; after the first that was not, the others are not counted. */
const char limit_script[] =
    "local t = redis.call('TIME')\n"
    "local now, out = t[1] * 1000000 + t[2], {}\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])\n"
    "  local owed = math.max((tonumber(redis.call('GET', key) or 0) or 0) - now, 0)\n"
    "  local allowed = owed + interval <= burst\n"
    "  if allowed then\n"
    "    owed = owed + interval\n"
    "    redis.call('SET', key, string.format('%.3f', now + owed), 'PX', math.ceil(owed / 1000) + 1)\n"
    "  end\n"
    "  out[2 * i - 1], out[2 * i] = allowed and 1 or 0, math.ceil(owed)\n"
    "  if not allowed then break end\n"
    "end\n"
    "return out\n";

bool limit_is_shared(const struct script_env *env)
{
    return redis_is_up(env->redis);
}

/* ---- keys and numbers as text ---- */

struct words {
    unsigned n; /* rules */
    struct slice keys[LIMIT_RULES_MAX], args[2 * LIMIT_RULES_MAX];
    char key_text[LIMIT_RULES_MAX][KEY_MAX], arg_text[2 * LIMIT_RULES_MAX][NUMBER_MAX];
};

/* "neap:limit:<rule>:<who, in hexadecimal>": the same on every host. */
static size_t write_key(char out[static KEY_MAX], uint64_t scope, struct slice subject)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = (size_t)snprintf(out, KEY_MAX, "neap:limit:%016llx:", (unsigned long long)scope);
    for (size_t i = 0; i < subject.n && i < LIMIT_SUBJECT_MAX; i++) {
        out[n++] = hex[(unsigned char)subject.p[i] >> 4];
        out[n++] = hex[subject.p[i] & 15];
    }
    return n;
}

static void add_word(struct words *w, const struct limit_rule *rule, struct slice subject)
{
    unsigned i = w->n++;
    const uint64_t ns[2] = {rule->rate.interval_ns, rule->rate.burst_ns};
    w->keys[i] = slice_of(w->key_text[i], write_key(w->key_text[i], rule->scope, subject));
    for (unsigned k = 0; k < 2; k++) {
        char *text = w->arg_text[2 * i + k];
        w->args[2 * i + k] = slice_of(text, (size_t)snprintf(text, NUMBER_MAX, "%.3f", (double)ns[k] / 1000));
    }
}

static struct rate_verdict verdict_of(const struct limit_rule *rule, int64_t allowed, int64_t owed_us)
{
    struct rate_verdict v = rate_judge(&rule->rate, owed_us > 0 ? (uint64_t)owed_us * 1000 : 0, 0);
    v.allowed = allowed != 0;
    if (v.allowed)
        v.retry_ns = 0;
    return v;
}

/* A request that Redis should have counted and cannot is told of, by the metrics. */
static bool can_ask(const struct script_env *env)
{
    if (limit_is_shared(env))
        return true;
    if (env->redis != NULL)
        rates_note_alone(env->rates);
    return false;
}

/* ---- a request ---- */

struct asking {
    struct request *req;
    struct rates *rates;
    const struct limit_rules *rules; /* of the request's engine, which the request keeps alive */
    void (*allowed)(struct request *req);
};

/* Without an answer the local verdict holds, and it was asked before. */
static void on_request_counted(const struct redis_numbers *numbers, void *arg)
{
    struct asking *a = arg;
    struct request *req = a->req;
    void (*allowed)(struct request *) = a->allowed;
    if (numbers == NULL)
        rates_note_alone(a->rates);
    for (unsigned i = 0; numbers != NULL && i < a->rules->n && 2 * i + 1 < numbers->n; i++) {
        const struct limit_rule *rule = &a->rules->list[i];
        struct rate_verdict v = verdict_of(rule, numbers->list[2 * i], numbers->list[2 * i + 1]);
        limit_tell(req, rule, &v);
        if (v.allowed)
            continue;
        rates_note_refused(a->rates);
        limit_refuse(req, v.retry_ns);
        return;
    }
    allowed(req);
}

bool limit_ask_redis(const struct script_env *env, const struct limit_rules *rules, struct request *req,
                     void (*allowed)(struct request *req))
{
    if (rules->n == 0 || !can_ask(env))
        return false;
    struct words w = {.n = 0};
    char subject[LIMIT_SUBJECT_MAX];
    for (unsigned i = 0; i < rules->n; i++)
        add_word(&w, &rules->list[i], slice_of(subject, limit_subject(req, rules->list[i].by, subject)));
    struct asking *a = arena_alloc(&req->arena, sizeof *a);
    *a = (struct asking){.req = req, .rates = env->rates, .rules = rules, .allowed = allowed};
    return redis_run(env->redis, w.keys, w.n, w.args, 2 * w.n, on_request_counted, a) != NULL;
}

/* ---- one key ---- */

struct limit_call {
    struct redis_call *call;
    struct rates *rates;
    struct limit_rule rule;
    void (*done)(const struct rate_verdict *v, void *arg);
    void *arg;
};

static void on_key_counted(const struct redis_numbers *numbers, void *arg)
{
    struct limit_call *c = arg;
    void (*done)(const struct rate_verdict *, void *) = c->done;
    void *done_arg = c->arg;
    struct rate_verdict v;
    bool known = numbers != NULL && numbers->n == 2;
    if (!known)
        rates_note_alone(c->rates);
    else
        v = verdict_of(&c->rule, numbers->list[0], numbers->list[1]);
    if (known && !v.allowed)
        rates_note_refused(c->rates);
    free(c);
    done(known ? &v : NULL, done_arg);
}

struct limit_call *limit_ask_key(const struct script_env *env, const struct limit_rule *rule, struct slice subject,
                                 void (*done)(const struct rate_verdict *v, void *arg), void *arg)
{
    struct words w = {.n = 0};
    if (!can_ask(env))
        return NULL;
    add_word(&w, rule, subject);
    struct limit_call *c = mem_zalloc(sizeof *c);
    *c = (struct limit_call){.rates = env->rates, .rule = *rule, .done = done, .arg = arg};
    c->call = redis_run(env->redis, w.keys, 1, w.args, 2, on_key_counted, c);
    if (c->call == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void limit_forget(struct limit_call *c)
{
    redis_forget(c->call);
    free(c);
}
