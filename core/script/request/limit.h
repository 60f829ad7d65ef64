#ifndef SCRIPT_REQUEST_LIMIT_H
#define SCRIPT_REQUEST_LIMIT_H
/* How often a route may be called: the rules of an operation, and counting a request against them. Rules by address are
 * asked before it is known who calls, rules by user afterwards; who is nobody is counted by address there, too. */
#include "base/rates.h"

struct lua_State;
struct request;
struct script_env;

enum limit_by { LIMIT_BY_ADDRESS, LIMIT_BY_USER };
enum { LIMIT_RULES_MAX = 4, LIMIT_NAME_MAX = 32, LIMIT_HEAD_MAX = 160, LIMIT_SUBJECT_MAX = 256 + 16 };

struct limit_rule {
    enum limit_by by;
    struct rate rate;
    uint64_t scope;              /* rules of one scope share their counts */
    char name[LIMIT_NAME_MAX];   /* in the headers */
    char policy[LIMIT_HEAD_MAX]; /* the RateLimit-Policy line */
};

struct limit_rules { /* of one operation */
    unsigned n;
    struct limit_rule list[LIMIT_RULES_MAX];
};

/* Reads `rate_limits` of the declaration, a table at index: {{name=, scope=, by="ip"|"user", limit=, per=, burst=}, ...};
 * absent is none. Raises on what is wrong. */
void limit_rules_read(struct lua_State *L, int index, struct limit_rules *out);
/* Fills in what a rule of that name, limit and period says of itself. Names are letters, digits and . _ - only. */
void limit_rule_describe(struct limit_rule *rule, uint64_t limit, double seconds, uint64_t burst);
uint64_t limit_scope(struct slice text); /* the same on every host */

/* Answers with 429. */
void limit_refuse(struct request *req, uint64_t retry_ns);
/* Counts the request against the rules of that kind. False: it has been answered with 429. */
bool limit_admit(const struct script_env *env, const struct limit_rules *rules, enum limit_by by, struct request *req);

/* Who is counted: bytes that are the same for the same client, into out; their number. IPv6 by /64, since whoever has one
 * address there has all of them. */
size_t limit_subject(struct request *req, enum limit_by by, char out[static LIMIT_SUBJECT_MAX]);
uint64_t limit_table_key(const struct rates *rates, uint64_t scope, struct slice subject);
/* Notes the verdict for the answer's headers: RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10. */
void limit_tell(struct request *req, const struct limit_rule *rule, const struct rate_verdict *v);
uint64_t limit_seconds(uint64_t ns); /* rounded up */

/* ---- limit_redis.c: the same counts for all hosts, where there is a Redis. The local ones are asked first all the same:
 * who is over the limit here is over it everywhere, and hears so without a trip; and they go on when Redis is away. ---- */

extern const char limit_script[];                   /* GCRA by the clock of Redis */
bool limit_is_shared(const struct script_env *env); /* Redis is there now */
/* Counts the request against all rules. allowed(req) or, when it has been answered, nothing is called, later. False: Redis
 * is away, and nothing will be called. */
bool limit_ask_redis(const struct script_env *env, const struct limit_rules *rules, struct request *req,
                     void (*allowed)(struct request *req));
/* One key against one rule. done(verdict, arg) later, with NULL when the answer did not come. NULL: Redis is away. */
struct limit_call;
struct limit_call *limit_ask_key(const struct script_env *env, const struct limit_rule *rule, struct slice subject,
                                 void (*done)(const struct rate_verdict *v, void *arg), void *arg);
void limit_forget(struct limit_call *call); /* done will not be called */
#endif
