#ifndef PLAN_JSON_KEYS_H
#define PLAN_JSON_KEYS_H
/* Finds a key that an object has twice. */
#include "plan/json.h"

/* `object` has just been closed: its pairs are the nodes from object + 1 on. The node of a key that was there before, or
 * NULL. Linear in the keys' bytes. */
const struct json_node *json_keys_duplicate(const struct json_node *nodes, uint32_t object);
#endif
