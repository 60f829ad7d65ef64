#ifndef PLAN_FINISH_H
#define PLAN_FINISH_H
/* What plan_finish does: each node is looked over, and gets what checking needs. */
#include "plan/plan.h"

int finish_tree(struct plan *p, struct plan_node *root, char err[static ERR_MAX]) __attribute__((warn_unused_result));
#endif
