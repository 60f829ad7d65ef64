#include "core/base/edit_distance.c"
#include "spec/core/test.h"

static unsigned between(const char *a, const char *b)
{
    unsigned there = edit_distance(slice_str(a), slice_str(b));

    CHECK_INT(edit_distance(slice_str(b), slice_str(a)), there);
    return there;
}

TEST("a mistake is a byte that is wrong, missing or too many, or two that changed places")
{
    CHECK_INT(between("", ""), 0);
    CHECK_INT(between("", "abc"), 3);
    CHECK_INT(between("migrate", "migrate"), 0);
    CHECK_INT(between("migrate", "migrata"), 1);
    CHECK_INT(between("migrate", "migrte"), 1);
    CHECK_INT(between("migrate", "mmigrate"), 1);
    CHECK_INT(between("migrate", "mirgate"), 1);
    CHECK_INT(between("serve", "sevre"), 1);
    CHECK_INT(between("kitten", "sitting"), 3);
    CHECK_INT(between("ca", "abc"), 3); /* what changed places is not edited again */
}

TEST("what is too long to be a name is far from everything, itself too")
{
    char longest[EDIT_DISTANCE_BYTES_MAX + 2] = {0};

    memset(longest, 'a', EDIT_DISTANCE_BYTES_MAX);
    CHECK_INT(between(longest, longest), 0);
    CHECK_INT(between(longest, ""), EDIT_DISTANCE_BYTES_MAX);
    longest[EDIT_DISTANCE_BYTES_MAX] = 'a';
    CHECK_INT(between(longest, longest), EDIT_DISTANCE_BYTES_MAX);
}
