#include "core/plan/check_container.c"
#include "spec/core/plan/plan_fixture.h"

TEST("each item of an array is checked and named by its index")
{
    struct plan *p = plan_new();
    struct plan_node *item = plan_node_new(p, PLAN_INTEGER);
    item->max = 9;
    fixture_finish(p, fixture_array(p, fixture_array(p, item)));
    TAKES(p, "[[1,2.0],[],[3]]", "[[1,2],[],[3]]");
    TAKES(p, "[]", "[]");
    REFUSES(p, "[[1],[2,10],[\"x\"]]", "body[1][1] maximum must be at most 9 | 9\nbody[2][0] type must be an integer\n");
    REFUSES(p, "[1]", "body[0] type must be an array\n");
    REFUSES(p, "{}", "body type must be an array\n");
    REFUSES(p, "\"a\"", "body type must be an array\n");
    plan_free(p);
}

TEST("an array has its number of items, and those of one too long are not looked at")
{
    struct plan *p = plan_new();
    struct plan_node *node = fixture_array(p, plan_node_new(p, PLAN_BOOLEAN));
    node->min = 1;
    node->max = 2;
    fixture_finish(p, node);
    TAKES(p, "[true,false]", "[true,false]");
    REFUSES(p, "[]", "body too_few must have at least 1 item | 1\n");
    REFUSES(p, "[1,2,3]", "body too_many must have at most 2 items | 2\n");
    plan_free(p);
}

TEST("an item that is there twice is named")
{
    struct plan *p = plan_new();
    struct plan_node *name = plan_node_new(p, PLAN_STRING);
    name->string.lower = true;
    struct plan_node *node = fixture_array(p, name);
    node->array.unique = true;
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "tags", node));
    TAKES(p, "{\"tags\":[\"a\",\"b\"]}", "{\"tags\":[\"a\",\"b\"]}");
    REFUSES(p, "{\"tags\":[\"a\",\"b\",\"c\",\"B\"]}", "body.tags[3] not_unique must not repeat an earlier item\n");
    REFUSES(p, "{\"tags\":[\"a\",\"a\",1]}", "body.tags[2] type must be a string\n");
    plan_free(p);
}

TEST("fields are found in any order")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 3, "a", plan_node_new(p, PLAN_INTEGER), "b",
                                     plan_node_new(p, PLAN_STRING), "c", plan_node_new(p, PLAN_BOOLEAN)));
    TAKES(p, "{\"a\":1,\"b\":\"x\",\"c\":true}", "{\"a\":1,\"b\":\"x\",\"c\":true}");
    TAKES(p, "{\"c\":true,\"a\":1,\"b\":\"x\"}", "{\"c\":true,\"a\":1,\"b\":\"x\"}");
    REFUSES(p, "{\"c\":1,\"b\":1,\"a\":true}",
            "body.c type must be true or false\nbody.b type must be a string\nbody.a type must be an integer\n");
    REFUSES(p, "[]", "body type must be an object\n");
    plan_free(p);
}

TEST("of a key that is there twice the first counts, where a document was not read by our reader")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "a", plan_node_new(p, PLAN_INTEGER)));
    const struct json_node nodes[] = {
        {.type = JSON_OBJECT, .next = 5, .count = 2},
        {.type = JSON_STRING, .next = 2, .s = SLICE_LIT("a")},
        {.type = JSON_INT, .next = 3, .i = 1},
        {.type = JSON_STRING, .next = 4, .s = SLICE_LIT("a")},
        {.type = JSON_TRUE, .next = 5},
    };
    struct arena a = {0};
    struct plan_errors errs = {.n = 0};
    struct json_doc in = {nodes, 5}, out;
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 0);
    CHECK_INT(out.n, 3);
    CHECK_INT(out.nodes[0].count, 1);
    CHECK_INT(out.nodes[2].i, 1);
    arena_free(&a);
    plan_free(p);
}

TEST("absent and null are two things")
{
    struct plan *p = plan_new();
    struct plan_node *nullable = plan_node_new(p, PLAN_STRING), *both = plan_node_new(p, PLAN_STRING);
    nullable->nullable = both->nullable = both->optional = true;
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 3, "nullable", nullable, "optional",
                                     fixture_optional(plan_node_new(p, PLAN_STRING)), "both", both));
    TAKES(p, "{\"nullable\":null}", "{\"nullable\":null}");
    TAKES(p, "{\"nullable\":\"a\",\"optional\":\"b\",\"both\":null}",
          "{\"nullable\":\"a\",\"optional\":\"b\",\"both\":null}");
    REFUSES(p, "{}", "body.nullable required is required\n");
    REFUSES(p, "{\"nullable\":null,\"optional\":null}", "body.optional null_not_allowed must not be null\n");
    plan_free(p);
}

TEST("a field that is absent gets its default, and a null is no absence")
{
    struct plan *p = plan_new();
    struct plan_node *tags = fixture_default(p, fixture_array(p, plan_node_new(p, PLAN_STRING)), "[\"new\"]");
    struct plan_node *note = fixture_default(p, plan_node_new(p, PLAN_STRING), "null");
    note->nullable = true;
    fixture_finish(
        p, fixture_object(p, PLAN_EXTRA_REFUSE, 3, "id", plan_node_new(p, PLAN_INTEGER), "tags", tags, "note", note));
    TAKES(p, "{\"id\":1}", "{\"id\":1,\"tags\":[\"new\"],\"note\":null}");
    TAKES(p, "{\"tags\":[],\"id\":1}", "{\"tags\":[],\"id\":1,\"note\":null}");
    REFUSES(p, "{\"id\":1,\"tags\":null}", "body.tags null_not_allowed must not be null\n");
    plan_free(p);
}

TEST("many defaults make the document grow")
{
    struct plan *p = plan_new();
    struct plan_node *deep = fixture_default(p, plan_node_new(p, PLAN_ANY), "[[1,2,3],{\"a\":[4,5,6]},7,8,9]");
    fixture_finish(p, fixture_array(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "x", deep)));
    TAKES(p, "[{},{},{},{}]",
          "[{\"x\":[[1,2,3],{\"a\":[4,5,6]},7,8,9]},{\"x\":[[1,2,3],{\"a\":[4,5,6]},7,8,9]},"
          "{\"x\":[[1,2,3],{\"a\":[4,5,6]},7,8,9]},{\"x\":[[1,2,3],{\"a\":[4,5,6]},7,8,9]}]");
    plan_free(p);
}

static char *many_objects(unsigned n)
{
    struct buf text = BUF_INIT;
    for (unsigned i = 0; i < n; i++)
        buf_str(&text, i == 0 ? "[{}" : ",{}");
    buf_append(&text, "]", 2);
    return text.p;
}

TEST("defaults can't make a small document large without end")
{
    enum { PER_OBJECT = 4, MOST = PLAN_DEFAULT_NODES_MAX / PER_OBJECT };
    struct plan *p = plan_new();
    struct plan_node *list = fixture_default(p, plan_node_new(p, PLAN_ANY), "[1,2]");
    fixture_finish(p, fixture_array(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "x", list)));
    struct arena a = {0};
    struct plan_errors errs = {.n = 0};
    struct json_doc out;
    char *most = many_objects(MOST), *more = many_objects(MOST + 2);

    struct json_doc in = fixture_doc(&a, most);
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 0);
    CHECK_INT(out.n, 1 + MOST * (PER_OBJECT + 1));
    in = fixture_doc(&a, more);
    CHECK_INT(plan_check(p, &in, 0, PLAN_JSON, "body", &a, &out, &errs), 1);
    CHECK_STR(errs.list[0].field.p, errs.list[0].field.n, "body[65536]");
    CHECK_STR(errs.list[0].code, strlen(errs.list[0].code), "too_many");
    free(most);
    free(more);
    arena_free(&a);
    plan_free(p);
}

static struct plan *with_extra(enum plan_extra extra)
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_object(p, extra, 1, "a", plan_node_new(p, PLAN_INTEGER)));
    return p;
}

TEST("a field that nobody declared is refused, dropped or kept")
{
    struct plan *p = with_extra(PLAN_EXTRA_REFUSE);
    REFUSES(p, "{\"b\":{\"c\":[1]},\"a\":1}", "body.b unknown_field is not a known field\n");
    plan_free(p);
    p = with_extra(PLAN_EXTRA_DROP);
    TAKES(p, "{\"b\":{\"c\":[1]},\"a\":1,\"d\":null}", "{\"a\":1}");
    plan_free(p);
    p = with_extra(PLAN_EXTRA_KEEP);
    TAKES(p, "{\"b\":{\"c\":[1]},\"a\":1.0,\"d\":null}", "{\"b\":{\"c\":[1]},\"a\":1,\"d\":null}");
    plan_free(p);
}

TEST("an object of more than 64 fields knows which were there")
{
    enum { N = 130 };
    struct plan *p = plan_new();
    struct plan_node *node = plan_node_new(p, PLAN_OBJECT);
    struct buf text = BUF_INIT, without = BUF_INIT;
    node->object.n = N;
    node->object.fields = arena_alloc(&p->arena, N * sizeof *node->object.fields);
    for (unsigned i = 0; i < N; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "f%u", i);
        node->object.fields[i] = (struct plan_field){.name = slice_of(arena_dup(&p->arena, name, (size_t)n), (size_t)n),
                                                     .node = plan_node_new(p, PLAN_INTEGER)};
        buf_printf(&text, "%c\"f%u\":%u", i == 0 ? '{' : ',', i, i);
        if (i != 0 && i != 128)
            buf_printf(&without, "%c\"f%u\":%u", without.n == 0 ? '{' : ',', i, i);
    }
    buf_append(&text, "}", 2);
    buf_append(&without, "}", 2);
    fixture_finish(p, node);
    TAKES(p, text.p, text.p);
    REFUSES(p, without.p, "body.f0 required is required\nbody.f128 required is required\n");
    buf_free(&text);
    buf_free(&without);
    plan_free(p);
}

TEST("a map has any keys, each held against the plan of keys")
{
    struct plan *p = plan_new();
    struct plan_node *map = plan_node_new(p, PLAN_MAP), *keys = plan_node_new(p, PLAN_STRING);
    map->map.values = plan_node_new(p, PLAN_INTEGER);
    fixture_finish(p, map);
    TAKES(p, "{\"a\":1,\"\":2.0,\"a b\":3}", "{\"a\":1,\"\":2,\"a b\":3}");
    REFUSES(p, "{\"a b\":\"x\"}", "body[\"a b\"] type must be an integer\n");
    REFUSES(p, "[]", "body type must be an object\n");
    map->map.keys = keys;
    map->min = 1;
    map->max = 2;
    keys->string.pattern_text = SLICE_LIT("^[a-z]+$");
    fixture_finish(p, map);
    TAKES(p, "{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}");
    REFUSES(p, "{\"B\":1}", "body.B pattern must match the pattern \"^[a-z]+$\" | \"^[a-z]+$\"\n");
    REFUSES(p, "{}", "body too_few must have at least 1 field | 1\n");
    REFUSES(p, "{\"a\":1,\"b\":2,\"c\":\"x\"}", "body too_many must have at most 2 fields | 2\n");
    plan_free(p);
}

TEST("the keys of a map stay as they were sent")
{
    struct plan *p = plan_new();
    struct plan_node *map = plan_node_new(p, PLAN_MAP);
    map->map.values = plan_node_new(p, PLAN_ANY);
    map->map.keys = plan_node_new(p, PLAN_UUID);
    fixture_finish(p, map);
    TAKES(p, "{\"0191E4B2-7c1d-7a3b-9f00-8a7c5d3e1f20\":null}", "{\"0191E4B2-7c1d-7a3b-9f00-8a7c5d3e1f20\":null}");
    REFUSES(p, "{\"x\":1}", "body.x uuid must be a UUID\n");
    plan_free(p);
}

static struct plan_node *pet(struct plan *p, const char *tag, const char *name, enum plan_kind kind)
{
    struct buf json = BUF_INIT;
    buf_printf(&json, "\"%s\"%c", tag, 0);
    struct plan_node *node =
        fixture_object(p, PLAN_EXTRA_REFUSE, 2, "type", fixture_literal(p, arena_dup(&p->arena, json.p, json.n)), name,
                       plan_node_new(p, kind));
    buf_free(&json);
    return node;
}

TEST("the discriminator of a union says which variant counts")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 1, "pet",
                                     fixture_union(p, "type", 2, "cat", pet(p, "cat", "lives", PLAN_INTEGER), "dog",
                                                   pet(p, "dog", "name", PLAN_STRING))));
    TAKES(p, "{\"pet\":{\"type\":\"cat\",\"lives\":9.0}}", "{\"pet\":{\"type\":\"cat\",\"lives\":9}}");
    TAKES(p, "{\"pet\":{\"name\":\"Rex\",\"type\":\"dog\"}}", "{\"pet\":{\"name\":\"Rex\",\"type\":\"dog\"}}");
    REFUSES(p, "{\"pet\":{\"type\":\"dog\",\"lives\":9}}",
            "body.pet.lives unknown_field is not a known field\nbody.pet.name required is required\n");
    REFUSES(p, "{\"pet\":{\"lives\":9}}", "body.pet.type required is required\n");
    REFUSES(p, "{\"pet\":{\"type\":\"cow\"}}",
            "body.pet.type unknown_tag must be one of \"cat\", \"dog\" | [\"cat\", \"dog\"]\n");
    REFUSES(p, "{\"pet\":{\"type\":1}}", "body.pet.type unknown_tag must be one of \"cat\", \"dog\" | [\"cat\", \"dog\"]\n");
    REFUSES(p, "{\"pet\":[]}", "body.pet type must be an object\n");
    REFUSES(p, "{\"pet\":null}", "body.pet null_not_allowed must not be null\n");
    plan_free(p);
}

TEST("any value goes through as it is")
{
    struct plan *p = plan_new();
    fixture_finish(p, fixture_array(p, plan_node_new(p, PLAN_ANY)));
    TAKES(p, "[null,1.0,\"x\",{\"a\":[{}]},[[]]]", "[null,1.0,\"x\",{\"a\":[{}]},[[]]]");
    plan_free(p);
}
