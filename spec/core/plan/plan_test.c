#include "core/plan/plan.c"
#include "spec/core/test.h"

TEST("a new node has no bounds")
{
    struct plan *p = plan_new();
    for (int kind = 0; kind < PLAN_KIND_COUNT; kind++) {
        struct plan_node *node = plan_node_new(p, (enum plan_kind)kind);
        CHECK(node->kind == (enum plan_kind)kind && node->min == INT64_MIN && node->max == INT64_MAX);
        CHECK(!node->optional && !node->nullable && !node->has_default && node->message.n == 0);
        CHECK(kind != PLAN_NUMBER || (node->number.min == -INFINITY && node->number.max == INFINITY));
    }
    plan_free(p);
}

TEST("each kind has a name")
{
    for (int kind = 0; kind < PLAN_KIND_COUNT; kind++)
        CHECK(plan_kind_names[kind] != NULL && plan_kind_names[kind][0] != '\0');
    CHECK(strcmp(plan_kind_names[PLAN_ANY], "any") == 0 && strcmp(plan_kind_names[PLAN_FILE], "file") == 0);
    CHECK(strcmp(plan_kind_names[PLAN_ENUM], "enum") == 0 && strcmp(plan_kind_names[PLAN_UNION], "union") == 0);
}

TEST("no plan is freed without harm")
{
    plan_free(NULL);
    plan_free(plan_new());
}
