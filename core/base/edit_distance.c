#include "base/edit_distance.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* A row of the table: how far the first i bytes of a are from each beginning of b. */
static void next_row(struct slice a, struct slice b, size_t i, unsigned *row, const unsigned *last,
                     const unsigned *before_last)
{
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b.n; j++) {
        row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
        if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
            row[j] = least(row[j], before_last[j - 2] + 1);
    }
}

unsigned edit_distance(struct slice a, struct slice b)
{
    unsigned rows[3][EDIT_DISTANCE_BYTES_MAX + 1];

    if (a.n > EDIT_DISTANCE_BYTES_MAX || b.n > EDIT_DISTANCE_BYTES_MAX)
        return EDIT_DISTANCE_BYTES_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++)
        next_row(a, b, i, rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3]);
    return rows[a.n % 3][b.n];
}
