#ifndef PLAN_MULTIPLE_H
#define PLAN_MULTIPLE_H
/* multipleOf, as decimals: 0.3 is a multiple of 0.1, though neither of the two doubles is what it says. What counts are
 * the shortest decimals that stand for the doubles, which is what was typed. */
#include <stdbool.h>
#include <stdint.h>

/* of > 0, both finite. */
bool multiple_of_int(int64_t v, double of);
bool multiple_of_double(double v, double of);
#endif
