#include "auth/member.h"

static const int64_t time_max = 253402300799; /* 9999-12-31T23:59:59Z: what is beyond is a mistake of somebody's units */

const struct json_node *member_of(const struct json_doc *doc, const struct json_node *object, struct slice name)
{
    if (object->type != JSON_OBJECT)
        return NULL;
    const struct json_node *key = object + 1;
    for (uint32_t i = 0; i < object->count; i++) {
        const struct json_node *value = key + 1;
        if (slice_eq(key->s, name))
            return value;
        key = doc->nodes + value->next;
    }
    return NULL;
}

static bool is_clean(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

enum member_status member_text(const struct json_doc *doc, const struct json_node *object, const char *name, size_t max,
                               struct slice *out)
{
    const struct json_node *v = member_of(doc, object, slice_str(name));
    *out = (struct slice){0};
    if (v == NULL)
        return MEMBER_ABSENT;
    if (v->type != JSON_STRING || v->s.n == 0 || v->s.n > max || !is_clean(v->s))
        return MEMBER_WRONG;
    *out = v->s;
    return MEMBER_OK;
}

enum member_status member_time(const struct json_doc *doc, const struct json_node *object, const char *name, uint64_t *out)
{
    const struct json_node *v = member_of(doc, object, slice_str(name));
    *out = 0;
    if (v == NULL)
        return MEMBER_ABSENT;
    if (v->type != JSON_INT || v->i < 0 || v->i > time_max)
        return MEMBER_WRONG;
    *out = (uint64_t)v->i;
    return MEMBER_OK;
}
