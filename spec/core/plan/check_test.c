#include "core/plan/check.c"
#include "spec/core/plan/plan_fixture.h"

TEST("a body comes out as it went in when nothing is to be changed")
{
    struct plan *p = plan_new();
    struct plan_node *title = plan_node_new(p, PLAN_STRING), *done = plan_node_new(p, PLAN_BOOLEAN);
    title->max = 5;
    fixture_finish(p, fixture_object(p, PLAN_EXTRA_REFUSE, 2, "title", title, "done", done));
    TAKES(p, "{\"title\":\"short\",\"done\":true}", "{\"title\":\"short\",\"done\":true}");
    TAKES(p, "{\"done\":false,\"title\":\"\"}", "{\"done\":false,\"title\":\"\"}");
    REFUSES(p, "{\"title\":\"too long\"}",
            "body.title too_long must be at most 5 characters | 5\nbody.done required is required\n");
    plan_free(p);
}
