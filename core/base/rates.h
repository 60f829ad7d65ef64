#ifndef BASE_RATES_H
#define BASE_RATES_H
/* How often each key was seen, for limits: one table in memory that all workers of a host share, mapped before the first
 * fork. A key is counted by GCRA, the leaky bucket as a meter: all that is kept of it is the time at which it will owe
 * nothing any more. That moves on by one interval with each request, and a request is refused that would move it further
 * ahead than a burst of intervals. So counting is exact over all workers, and there is no window at whose edge twice the
 * limit passes.
 *
 * The table never grows. A new key takes the place of one that owes nothing, and where there is none in its bucket, of the
 * one that will owe nothing first; that one starts afresh. So a flood of keys costs no more memory than it has, and who is
 * over a limit is forgotten last. Places are found by SipHash with a key drawn at the start: nobody can aim at a bucket.
 *
 * A known key is counted with one compare-and-swap. Only a new one takes its bucket's lock, which is anybody's when it was
 * held for longer than any worker that lives would. */
#include "base/slice.h"
#include <stdint.h>

struct rate {
    uint64_t interval_ns; /* between two requests at the pace of the limit */
    uint64_t burst_ns;    /* that many intervals may be owed */
};

struct rate_verdict {
    bool allowed;
    uint64_t left;     /* requests that would be allowed now */
    uint64_t reset_ns; /* until nothing is owed any more */
    uint64_t retry_ns; /* until a request is allowed; 0 when one is now */
};

/* `limit` requests in `seconds`, `burst` of them at once (0: all of them). The shortest interval is a nanosecond. */
struct rate rate_of(uint64_t limit, double seconds, uint64_t burst);
/* The sum of GCRA, apart from where it is kept: a key that owes until then (on the clock of now_ns), in words. */
struct rate_verdict rate_judge(const struct rate *r, uint64_t owed_until_ns, uint64_t now_ns);

struct rates;
enum { RATES_BUCKETS = 1 << 16, RATES_BUCKET_KEYS = 7 }; /* 8 MiB: 458,752 keys. The kernel gives what is touched. */

struct rates *rates_open(unsigned buckets); /* a power of two; NULL when the system has no memory */
void rates_close(struct rates *r);
void rates_forget(struct rates *r); /* every key is new; for specs, while nobody else counts */

uint64_t rates_key(const struct rates *r, const void *p, size_t n);
struct rate_verdict rates_take(struct rates *r, uint64_t key, const struct rate *rate, uint64_t now_ns);

struct rates_counts {
    uint64_t refused;   /* requests */
    uint64_t alone;     /* requests that should have been counted for all hosts together, and could not be */
    uint64_t forgotten; /* keys that still owed something when their place was taken */
};
void rates_note_refused(struct rates *r); /* elsewhere: by the table that all hosts share */
void rates_note_alone(struct rates *r);
struct rates_counts rates_counts(const struct rates *r); /* of all workers since the start */
#endif
