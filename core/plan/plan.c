#include "plan/plan.h"
#include "base/mem.h"
#include "plan/finish.h"
#include <math.h>
#include <stdlib.h>

const char *const plan_kind_names[PLAN_KIND_COUNT] = {
    [PLAN_ANY] = "any",         [PLAN_BOOLEAN] = "boolean", [PLAN_INTEGER] = "integer",   [PLAN_NUMBER] = "number",
    [PLAN_DECIMAL] = "decimal", [PLAN_STRING] = "string",   [PLAN_UUID] = "uuid",         [PLAN_EMAIL] = "email",
    [PLAN_URL] = "url",         [PLAN_DATE] = "date",       [PLAN_DATETIME] = "datetime", [PLAN_ENUM] = "enum",
    [PLAN_LITERAL] = "literal", [PLAN_ARRAY] = "array",     [PLAN_OBJECT] = "object",     [PLAN_MAP] = "map",
    [PLAN_UNION] = "union",     [PLAN_FILE] = "file",
};

struct plan *plan_new(void)
{
    return mem_zalloc(sizeof(struct plan));
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    arena_free(&p->arena);
    free(p);
}

struct plan_node *plan_node_new(struct plan *p, enum plan_kind kind)
{
    static uint64_t last_id;
    struct plan_node *node = arena_alloc(&p->arena, sizeof *node);

    *node = (struct plan_node){.id = ++last_id, .kind = kind, .min = INT64_MIN, .max = INT64_MAX};
    if (kind == PLAN_NUMBER) {
        node->number.min = -INFINITY;
        node->number.max = INFINITY;
    }
    return node;
}

int plan_finish(struct plan *p, struct plan_node *root, char err[static ERR_MAX])
{
    p->root = root;
    return finish_tree(p, root, err);
}
