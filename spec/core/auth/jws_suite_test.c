/* C2SP/wycheproof: signed texts of the compact form that are right, and those that a careless reader takes. Held against
 * what reads tokens here, for the algorithms that we take. Fetched, not committed, see spec/core/plan/suite.h:
 * SUITES_DIR=... with wycheproof/ in it, or WYCHEPROOF_SUITE=... */
#include "core/auth/jws.c"
#include "auth/jwk.h"
#include "spec/core/plan/suite.h"

/* "?" stands in the middle of a part and is to be read over there. RFC 7515 2 with RFC 4648 3.3: what is not of the alphabet
 * is refused. The same file wants it refused in seven others (361 to 371). */
static const int64_t stricter[] = {372, 373};

/* Their padding has got lost on the way to the file: they are to be refused, and are byte for byte the one that is to be
 * taken. */
static const int64_t same_as_right[] = {367, 370};
enum { RIGHT = 357 };

static unsigned valid, invalid, ours_alone, contradictory, passed_over;
static struct slice right; /* the text of RIGHT */

static bool is_among(int64_t id, const int64_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

static struct slice text_at(const struct json_doc *doc, const struct json_node *object, const char *name)
{
    const struct json_node *v = member_of(doc, object, slice_str(name));
    return v != NULL && v->type == JSON_STRING ? v->s : (struct slice){0};
}

static bool takes(const struct key *key, struct slice text)
{
    struct arena a = {0};
    struct jws jws;
    bool yes = key->alg < KEY_ALG_COUNT && (key->secret != NULL || key->public_ != NULL) && jws_read(&jws, text, &a) &&
               jws_verify(&jws, key);
    arena_free(&a);
    return yes;
}

static void check_case(const struct json_doc *doc, const struct json_node *one, const struct key *key)
{
    int64_t id = member_of(doc, one, SLICE_LIT("tcId"))->i;
    bool want = slice_eq(text_at(doc, one, "result"), SLICE_LIT("valid"));
    struct slice text = text_at(doc, one, "jws");
    bool got = takes(key, text);
    valid += want;
    invalid += !want;
    if (id == RIGHT)
        right = text;
    if (got == want)
        return;
    if (want && is_among(id, stricter, sizeof stricter / sizeof *stricter)) {
        ours_alone++;
        return;
    }
    if (!want && is_among(id, same_as_right, sizeof same_as_right / sizeof *same_as_right) && slice_eq(text, right)) {
        contradictory++;
        return;
    }
    struct slice comment = text_at(doc, one, "comment");
    printf("  %lld %.*s: %s\n", (long long)id, (int)comment.n, comment.p, got ? "is taken" : "is refused");
    test_fail(__FILE__, __LINE__, "the verdict is another");
}

/* A key that says another algorithm than ours has no verdict of ours. One that says none, or is for encrypting, has. */
static bool is_ours(struct slice alg)
{
    enum key_alg ours;
    return alg.n == 0 || key_alg_named(alg, &ours);
}

static void check_group(const struct json_doc *doc, const struct json_node *group)
{
    const struct json_node *cases = member_of(doc, group, SLICE_LIT("tests")), *jwk;
    struct key key;
    char err[ERR_MAX];
    jwk = member_of(doc, group, SLICE_LIT("public"));
    if (jwk == NULL)
        jwk = member_of(doc, group, SLICE_LIT("private"));
    if (!is_ours(text_at(doc, jwk, "alg"))) {
        passed_over += cases->count;
        return;
    }
    int rc = jwk_read(&key, doc, jwk, err); /* a key for encrypting is refused, and takes nothing */
    const struct json_node *one = cases + 1;
    for (uint32_t i = 0; i < cases->count; i++, one = doc->nodes + one->next)
        check_case(doc, one, &key);
    if (rc == 0)
        key_deinit(&key);
}

TEST("wycheproof's signed texts have the same verdict here")
{
    char folder[4096], path[4200];
    struct arena a = {0};
    struct json_doc doc;
    struct json_error err;
    if (!suite_find(folder, "WYCHEPROOF_SUITE", "wycheproof", "testvectors_v1"))
        return;
    snprintf(path, sizeof path, "%s/json_web_signature_test.json", folder);
    struct buf text = suite_read(path);
    CHECK_INT(json_read_grammar(buf_view(&text), 64, &a, &doc, &err), JSON_OK);
    const struct json_node *groups = member_of(&doc, doc.nodes, SLICE_LIT("testGroups")), *group = groups + 1;
    for (uint32_t i = 0; i < groups->count; i++, group = doc.nodes + group->next)
        check_group(&doc, group);
    printf("  %u right ones, %u wrong ones, %u refused by us alone, %u that are both; %u of other algorithms\n", valid,
           invalid, ours_alone, contradictory, passed_over);
    CHECK(valid >= 20 && invalid >= 280);
    arena_free(&a);
    buf_free(&text);
}
