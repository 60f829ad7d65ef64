#include "script/auth/auth.h"

#include "base/clock.h"
#include "base/mem.h"
#include "script/auth/jwks_source.h"
#include <stdlib.h>

enum { OURS, SHARED, PUBLISHED, ISSUERS };

struct auth {
    uv_loop_t *loop;   /* borrowed */
    struct arena text; /* of the issuers */
    struct key own[2], shared;
    struct jwks file;
    struct jwks_source *source; /* counted */
    unsigned source_version;
    struct issuer issuers[ISSUERS]; /* one without keys is one that is not configured */
    struct verified_cache *cache;
    size_t cache_bytes;
};

static struct slice kept(struct auth *a, struct slice s)
{
    return slice_of(arena_dup(&a->text, s.p ? s.p : "", s.n), s.n);
}

static int set_own(struct auth *a, const struct auth_opts *o, char err[static ERR_MAX])
{
    size_t n = 0;
    if (o->secret.n > 0 && key_set_secret(&a->own[n++], o->alg, o->secret_id, o->secret, err) != 0)
        return -1;
    if (o->previous.n > 0 && key_set_secret(&a->own[n++], o->alg, o->previous_id, o->previous, err) != 0)
        return -1;
    a->issuers[OURS] =
        (struct issuer){.keys = a->own, .key_count = n, .name = kept(a, o->issuer), .audience = kept(a, o->audience)};
    return 0;
}

static int set_others(struct auth *a, const struct auth_opts *o, char err[static ERR_MAX])
{
    struct issuer other = {.name = kept(a, o->other_issuer), .audience = kept(a, o->other_audience), .external = true};
    a->issuers[SHARED] = a->issuers[PUBLISHED] = other;
    if (o->shared_secret.n > 0) {
        if (key_set_secret(&a->shared, KEY_HS256, (struct slice){0}, o->shared_secret, err) != 0)
            return -1;
        a->issuers[SHARED].keys = &a->shared;
        a->issuers[SHARED].key_count = 1;
    }
    if (o->jwks.n > 0) {
        if (jwks_read(&a->file, o->jwks, err) != 0)
            return -1;
        a->issuers[PUBLISHED].keys = a->file.keys;
        a->issuers[PUBLISHED].key_count = a->file.n;
    } else if (o->jwks_url != NULL) {
        a->source = jwks_source_of(o->jwks_url);
        if (o->fetch_now)
            jwks_source_freshen(a->source, a->loop);
    }
    return 0;
}

struct auth *auth_new(const struct auth_opts *opts, uv_loop_t *loop, char err[static ERR_MAX])
{
    struct auth *a = mem_zalloc(sizeof *a);
    a->loop = loop;
    a->cache_bytes = opts->cache_bytes;
    a->cache = verified_new(opts->cache_bytes);
    if (set_own(a, opts, err) == 0 && set_others(a, opts, err) == 0)
        return a;
    auth_free(a);
    return NULL;
}

void auth_free(struct auth *a)
{
    if (a == NULL)
        return;
    verified_free(a->cache);
    key_deinit(&a->own[0]);
    key_deinit(&a->own[1]);
    key_deinit(&a->shared);
    jwks_source_release(a->source);
    jwks_deinit(&a->file);
    arena_free(&a->text);
    free(a);
}

const struct key *auth_signing_key(const struct auth *a)
{
    return a->own[0].secret != NULL ? &a->own[0] : NULL;
}

static uint64_t now_s(void)
{
    return (uint64_t)(clock_wall_us() / 1000000);
}

/* A key that was withdrawn takes its tokens with it: what was found right by other keys than these is looked at again. */
static void follow_source(struct auth *a)
{
    if (a->source == NULL)
        return;
    jwks_source_freshen(a->source, a->loop);
    const struct jwks *set = jwks_source_keys(a->source);
    a->issuers[PUBLISHED].keys = set->keys;
    a->issuers[PUBLISHED].key_count = set->n;
    if (a->source_version == jwks_source_version(a->source))
        return;
    a->source_version = jwks_source_version(a->source);
    verified_free(a->cache);
    a->cache = verified_new(a->cache_bytes);
}

static enum auth_status read(struct auth *a, struct slice text, struct arena *arena, struct token *out)
{
    switch (token_read(out, text, a->issuers, ISSUERS, now_s(), arena)) {
    case TOKEN_OK:
        return AUTH_OK;
    case TOKEN_EXPIRED:
        return AUTH_EXPIRED;
    case TOKEN_KEY_UNKNOWN: /* a new key, or a made-up one; only those that are published change while we run */
        if (a->source == NULL)
            return AUTH_INVALID;
        return jwks_source_fetch(a->source, a->loop) || jwks_source_version(a->source) == 0 ? AUTH_LATER : AUTH_INVALID;
    default:
        return AUTH_INVALID;
    }
}

static struct slice moved(const char *text, struct slice part, const char *from)
{
    return slice_of(text + (part.p - from), part.n);
}

/* The request may outlive what is kept of its token, so it has its own copy: one piece, since the parts lie together. */
static struct caller *caller_of(const struct verified *v, struct arena *arena)
{
    struct caller *c = arena_alloc(arena, sizeof *c);
    const char *from = v->id.p;
    size_t n = (size_t)(v->session.p + v->session.n - from);
    const char *text = arena_dup(arena, from, n);
    *c = (struct caller){.id = moved(text, v->id, from),
                         .email = moved(text, v->email, from),
                         .role = moved(text, v->role, from),
                         .scopes = moved(text, v->scopes, from),
                         .session = moved(text, v->session, from),
                         .expires = v->expires};
    if (c->role.n == 0)
        c->role = SLICE_LIT("user");
    return c;
}

static void name_caller(struct caller *c, const struct slice parts[static 4])
{
    c->id = parts[0];
    c->email = parts[1];
    c->role = parts[2];
    c->scopes = parts[3];
    c->pending = false;
}

static void outsider(const struct auth *a, const struct verified *v, uint64_t now, struct arena *arena, struct caller *c)
{
    struct slice parts[4];
    c->issuer = a->issuers[PUBLISHED].name.n > 0 ? a->issuers[PUBLISHED].name : SLICE_LIT("unnamed");
    c->issuer.p = arena_dup(arena, c->issuer.p, c->issuer.n);
    c->subject = c->id;
    c->pending = v->known_s <= now;
    c->email = c->role = c->scopes = (struct slice){0};
    if (c->pending)
        return; /* with the subject for an id: limits by user have something to count by */
    for (int i = 0; i < 4; i++)
        parts[i] = slice_of(arena_dup(arena, v->user_parts[i].p, v->user_parts[i].n), v->user_parts[i].n);
    name_caller(c, parts);
}

enum auth_status auth_read(struct auth *a, struct slice text, struct arena *arena, struct caller **out)
{
    struct token token;
    bool expired;
    uint64_t now = now_s();
    follow_source(a);
    struct verified *v = text.n > 0 ? verified_find(a->cache, text, now, &expired) : NULL;
    if (v == NULL) {
        enum auth_status status = read(a, text, arena, &token);
        if (status != AUTH_OK)
            return status;
        v = verified_add(a->cache, text, &token);
        if (v == NULL)
            return AUTH_INVALID; /* larger than everything that may be kept */
    }
    *out = caller_of(v, arena);
    if (v->external)
        outsider(a, v, now, arena, *out);
    return AUTH_OK;
}

enum auth_status auth_claims(struct auth *a, struct slice text, struct arena *arena, struct json_doc *out)
{
    struct token token;
    follow_source(a);
    enum auth_status status = read(a, text, arena, &token);
    *out = token.claims;
    return status;
}

void auth_name(struct auth *a, struct slice token, const struct slice parts[static 4], struct arena *arena, struct caller *c)
{
    bool expired;
    struct slice copies[4];
    uint64_t now = now_s();
    struct verified *v = verified_find(a->cache, token, now, &expired);
    if (v != NULL)
        verified_name(a->cache, v, parts, now + AUTH_USER_S);
    for (int i = 0; i < 4; i++)
        copies[i] = slice_of(arena_dup(arena, parts[i].p ? parts[i].p : "", parts[i].n), parts[i].n);
    name_caller(c, copies);
}
