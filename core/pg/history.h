#ifndef PG_HISTORY_H
#define PG_HISTORY_H
/* What a worker knows of the texts that it has run: what they do, how long they take and how much they bring. A text is
 * put on a shared connection only when it is known to be quick and to bring little, so the first run of each has a
 * connection to itself. One text to a place: another that falls on the same one starts anew, and so does the text that it
 * drove out. */
#include "base/slice.h"
#include <stdint.h>

enum {
    HISTORY_PLACES = 1024,
    HISTORY_QUICK_US = 5000,          /* on average, beyond the way to the server and back */
    HISTORY_LITTLE_BYTES = 16 * 1024, /* on average: more comes in many pieces, and meanwhile nobody else is served */
    HISTORY_FAILED_US = 20000         /* what a failure is charged: neighbours on its lane are sent again because of it */
};

/* OWN: it may change its session, wait for others or begin a transaction, or it is not known well enough. */
enum text_does { TEXT_OWN, TEXT_READS, TEXT_WRITES };

struct text_past {
    uint64_t hash; /* 0: an empty place */
    uint32_t average_us, average_bytes;
    bool ran;   /* at least once */
    bool wrote; /* the server said so, whatever it looks like */
    unsigned char does;
};

struct history {
    struct text_past past[HISTORY_PLACES];
    uint32_t floor_us; /* the way there and back: the shortest time of all, which is forgotten slowly */
};

/* By its words alone; in doubt it writes, or wants a connection of its own. */
enum text_does text_look(struct slice sql);
struct text_past *history_find(struct history *h, struct slice sql, uint64_t hash); /* begins one where there is none */
/* A run that brought so much; fine when it was driven out. */
void history_add(struct history *h, uint64_t hash, uint64_t us, size_t bytes, bool failed);
void history_wrote(struct history *h, uint64_t hash);
bool history_is_quick(const struct history *h, const struct text_past *past);
#endif
