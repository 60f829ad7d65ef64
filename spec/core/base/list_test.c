#include "base/list.h"
#include "spec/core/test.h"

struct thing {
    int id;
    struct list link;
};

static int id_of(struct list *node)
{
    return node == NULL ? -1 : LIST_OF(node, struct thing, link)->id;
}

TEST("back is last, front is first, and a removed node is on no list")
{
    struct list head;
    struct thing a = {.id = 1}, b = {.id = 2}, c = {.id = 3};

    list_init(&head);
    CHECK(list_is_empty(&head) && list_first(&head) == NULL);
    list_push_back(&head, &a.link);
    list_push_back(&head, &b.link);
    list_push_front(&head, &c.link);
    CHECK_INT(id_of(list_first(&head)), 3);
    list_remove(&c.link);
    CHECK(list_is_empty(&c.link));
    list_remove(&c.link);
    CHECK_INT(id_of(list_first(&head)), 1);
    list_remove(&a.link);
    CHECK_INT(id_of(list_first(&head)), 2);
    list_remove(&b.link);
    CHECK(list_is_empty(&head));
}
