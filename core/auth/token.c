#include "auth/token.h"

#include "auth/member.h"
#include "auth/libjwt.h"

enum { CLAIMS_DEPTH_MAX = 16, KEYS_TRIED_MAX = 8 };

struct reading {
    struct token *out;
    const struct json_node *claims; /* the object */
    uint64_t now_s;
};

static bool text_claim(struct reading *r, const char *name, size_t max, struct slice *out)
{
    return member_text(&r->out->claims, r->claims, name, max, out) != MEMBER_WRONG;
}

/* RFC 8725 3.11. An access token of RFC 9068 says at+jwt; ours say JWT, which is what libjwt writes. RFC 7515 4.1.9 lets the
 * prefix be left out, and compares without regard to case. */
static bool type_is_right(struct slice type, const struct issuer *issuer)
{
    static const char prefix[] = "application/";
    if (type.n == 0)
        return issuer->external;
    if (type.n > sizeof prefix - 1 && strncasecmp(type.p, prefix, sizeof prefix - 1) == 0)
        type = slice_of(type.p + sizeof prefix - 1, type.n - (sizeof prefix - 1));
    return slice_eq_nocase(type, SLICE_LIT("JWT")) || (issuer->external && slice_eq_nocase(type, SLICE_LIT("at+jwt")));
}

static bool issuer_is_right(struct reading *r)
{
    struct slice name;
    if (!text_claim(r, "iss", TOKEN_NAME_MAX, &name))
        return false;
    return r->out->issuer->name.n == 0 || slice_eq(name, r->out->issuer->name);
}

/* RFC 7519 4.1.3: one name, or a list of names. */
static bool audience_is_right(struct reading *r)
{
    const struct json_doc *doc = &r->out->claims;
    const struct json_node *v = member_of(doc, r->claims, SLICE_LIT("aud"));
    struct slice wanted = r->out->issuer->audience;
    bool found = wanted.n == 0;
    if (v == NULL)
        return found;
    if (v->type == JSON_STRING)
        return found || slice_eq(v->s, wanted);
    if (v->type != JSON_ARRAY)
        return false;
    const struct json_node *one = v + 1;
    for (uint32_t i = 0; i < v->count; i++, one = doc->nodes + one->next) {
        if (one->type != JSON_STRING)
            return false;
        found = found || slice_eq(one->s, wanted);
    }
    return found;
}

static bool is_scopes(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

static bool subject_is_right(struct reading *r)
{
    struct token *t = r->out;
    return text_claim(r, "sub", TOKEN_SUBJECT_MAX, &t->subject) && t->subject.n > 0 &&
           text_claim(r, "email", TOKEN_EMAIL_MAX, &t->email) && text_claim(r, "role", TOKEN_ROLE_MAX, &t->role) &&
           text_claim(r, "scope", TOKEN_SCOPES_MAX, &t->scopes) && is_scopes(t->scopes) &&
           text_claim(r, "sid", TOKEN_SESSION_MAX, &t->session);
}

static enum token_status judge_times(struct reading *r)
{
    const struct json_doc *doc = &r->out->claims;
    uint64_t issued, from;
    if (member_time(doc, r->claims, "exp", &r->out->expires) != MEMBER_OK ||
        member_time(doc, r->claims, "iat", &issued) == MEMBER_WRONG ||
        member_time(doc, r->claims, "nbf", &from) == MEMBER_WRONG)
        return TOKEN_INVALID;
    if (issued > r->now_s + TOKEN_LEEWAY_S || from > r->now_s + TOKEN_LEEWAY_S)
        return TOKEN_INVALID;
    return r->out->expires + TOKEN_LEEWAY_S <= r->now_s ? TOKEN_EXPIRED : TOKEN_OK;
}

static enum token_status judge_claims(struct token *out, const struct jws *jws, uint64_t now_s, struct arena *a)
{
    struct json_error err;
    struct reading r = {.out = out, .now_s = now_s};
    if (!type_is_right(jws->type, out->issuer) ||
        json_read(jws->payload, CLAIMS_DEPTH_MAX, a, &out->claims, &err) != JSON_OK)
        return TOKEN_INVALID;
    r.claims = out->claims.nodes;
    if (r.claims->type != JSON_OBJECT || !issuer_is_right(&r) || !audience_is_right(&r) || !subject_is_right(&r))
        return TOKEN_INVALID;
    return judge_times(&r);
}

/* The keys with the token's `kid`, or all of its algorithm when it names none: so more than one may be tried, but not as
 * many as a token might wish for. */
static enum token_status find_signer(struct token *out, const struct jws *jws, struct slice text,
                                     const struct issuer *issuers, size_t issuer_count)
{
    unsigned tried = 0;
    for (size_t i = 0; i < issuer_count; i++) {
        for (size_t k = 0; k < issuers[i].key_count && tried < KEYS_TRIED_MAX; k++) {
            const struct key *key = &issuers[i].keys[k];
            if (!jws_is_for(jws, key))
                continue;
            tried++;
            if (!jws_verify(jws, key) || !libjwt_agrees(key, text))
                continue;
            out->issuer = &issuers[i];
            return TOKEN_OK;
        }
    }
    return tried == 0 ? TOKEN_KEY_UNKNOWN : TOKEN_INVALID;
}

enum token_status token_read(struct token *out, struct slice text, const struct issuer *issuers, size_t issuer_count,
                             uint64_t now_s, struct arena *a)
{
    struct jws jws;
    enum key_alg alg;
    *out = (struct token){0};
    if (!jws_read(&jws, text, a) || !key_alg_named(jws.alg, &alg))
        return TOKEN_INVALID;
    enum token_status status = find_signer(out, &jws, text, issuers, issuer_count);
    return status == TOKEN_OK ? judge_claims(out, &jws, now_s, a) : status;
}
