#include "core/auth/verified.c"
#include "spec/core/test.h"
#include <stdio.h>

enum { NOW = 1000 };

static const struct issuer ours = {.name = {"neap", 4}}, other = {.external = true};

static struct verified *add(struct verified_cache *c, const char *text, uint64_t expires)
{
    struct token t = {.issuer = &ours,
                      .subject = SLICE_LIT("u1"),
                      .email = SLICE_LIT("a@b"),
                      .role = SLICE_LIT("user"),
                      .scopes = SLICE_LIT("x y"),
                      .session = SLICE_LIT("f"),
                      .expires = expires};
    return verified_add(c, slice_str(text), &t);
}

static struct verified *find(struct verified_cache *c, const char *text, uint64_t now)
{
    bool expired;
    return verified_find(c, slice_str(text), now, &expired);
}

TEST("a token is found by all of its bytes")
{
    struct verified_cache *c = verified_new(1 << 20);
    char text[100] = "header.claims.";
    memset(text + 14, 's', 60);
    add(c, text, NOW + 900);
    const struct verified *v = find(c, text, NOW);
    CHECK(v != NULL);
    CHECK_STR(v->id.p, v->id.n, "u1");
    CHECK_STR(v->email.p, v->email.n, "a@b");
    CHECK_STR(v->role.p, v->role.n, "user");
    CHECK_STR(v->scopes.p, v->scopes.n, "x y");
    CHECK_STR(v->session.p, v->session.n, "f");
    /* One byte at a time is another: also where the hash does not look. */
    for (size_t i = 0; text[i] != 0; i++) {
        text[i] ^= 1;
        CHECK(find(c, text, NOW) == NULL);
        text[i] ^= 1;
    }
    CHECK(find(c, "", NOW) == NULL && find(c, "header.claims.", NOW) == NULL);
    verified_free(c);
}

TEST("it is kept until it expires, with the same leeway as everywhere")
{
    struct verified_cache *c = verified_new(1 << 20);
    bool expired;
    add(c, "token", NOW + 900);
    CHECK(find(c, "token", NOW + 929) != NULL);
    CHECK(verified_find(c, SLICE_LIT("token"), NOW + 930, &expired) == NULL && expired);
    CHECK_INT(c->count, 0);
    CHECK(verified_find(c, SLICE_LIT("token"), NOW + 930, &expired) == NULL && !expired);
    verified_free(c);
}

TEST("memory is bounded, and who was not seen for the longest time makes room")
{
    struct verified_cache *c = verified_new(64 * 1024);
    char text[32];
    add(c, "the first", NOW + 900);
    for (int i = 0; i < 5000; i++) {
        sprintf(text, "token %d", i);
        add(c, text, NOW + 900);
        CHECK(find(c, "the first", NOW) != NULL); /* seen all the time */
        CHECK(c->bytes <= 64 * 1024);
    }
    CHECK(c->count > 100);
    CHECK(find(c, "token 4999", NOW) != NULL && find(c, "token 0", NOW) == NULL);
    char *large = mem_zalloc(65 * 1024);
    memset(large, 'x', 64 * 1024);
    CHECK(add(c, large, NOW + 900) == NULL);
    CHECK(find(c, "the first", NOW) != NULL);
    free(large);
    verified_free(c);
}

TEST("the user behind another issuer's subject is kept beside its token")
{
    struct verified_cache *c = verified_new(4096);
    const struct slice one[4] = {SLICE_LIT("id"), SLICE_LIT("mail"), SLICE_LIT("admin"), SLICE_LIT("a b")};
    const struct slice two[4] = {SLICE_LIT("another"), SLICE_LIT(""), SLICE_LIT("user"), SLICE_LIT("")};
    struct token t = {.issuer = &other, .subject = SLICE_LIT("s"), .expires = NOW + 900};
    struct verified *v = verified_add(c, SLICE_LIT("token"), &t);
    CHECK(v->external && v->known_s == 0);
    size_t before = c->bytes;
    verified_name(c, v, one, NOW + 60);
    CHECK_STR(v->user_parts[2].p, v->user_parts[2].n, "admin");
    CHECK_INT(c->bytes, before + 14);
    verified_name(c, v, two, NOW + 90);
    CHECK_STR(v->user_parts[0].p, v->user_parts[0].n, "another");
    CHECK(v->user_parts[3].n == 0 && v->known_s == NOW + 90);
    CHECK_INT(c->bytes, before + 11);
    verified_free(c);
}

TEST("no cache at all is freed too")
{
    verified_free(NULL);
}
