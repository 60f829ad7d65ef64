#ifndef PLAN_LOOKUP_H
#define PLAN_LOOKUP_H
/* Names to indexes: the fields of an object, the values of an enum, the tags of a union. */
#include "plan/plan.h"

/* names must outlive the lookup; both are the arena's. *twice becomes the index of a name that was there before, or n. */
struct plan_lookup *lookup_new(struct arena *a, const struct slice *names, uint32_t n, uint32_t *twice);
#endif
