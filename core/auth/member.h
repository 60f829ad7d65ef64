#ifndef AUTH_MEMBER_H
#define AUTH_MEMBER_H
/* Members of an object in a document, by name. Headers and claims have a handful: a walk is quicker than any index. */
#include "plan/json.h"

/* NULL: there is none of that name, or the node is no object. */
const struct json_node *member_of(const struct json_doc *doc, const struct json_node *object, struct slice name);

enum member_status { MEMBER_ABSENT, MEMBER_OK, MEMBER_WRONG };
/* A string of 1 to max bytes without control characters. */
enum member_status member_text(const struct json_doc *doc, const struct json_node *object, const char *name, size_t max,
                               struct slice *out);
/* RFC 7519 2, NumericDate: seconds, whole, from 1970 to the year 9999. */
enum member_status member_time(const struct json_doc *doc, const struct json_node *object, const char *name, uint64_t *out);
#endif
