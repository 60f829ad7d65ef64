#ifndef BASE_DATE_H
#define BASE_DATE_H
/* The Gregorian calendar, reckoned backwards before it was made, as ISO 8601 and Postgres do. */
#include <stdint.h>

struct date {
    int year, month, day; /* month and day from 1; year 0 is 1 BC */
};

/* Of days since 1970-01-01. */
struct date date_from_days(int64_t days);
/* So many digits of a value that is not negative; returns the place behind them. */
char *date_put_digits(char *p, int value, int width);
char *date_put_day(char *p, struct date d);      /* "YYYY-MM-DD", of year 0 or later; from 10000 on it has more digits */
char *date_put_time(char *p, int second_of_day); /* "HH:MM:SS" */
#endif
