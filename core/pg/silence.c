#include "pg/silence.h"
#include <stdio.h>
#include <string.h>

static void name(char out[static SILENCE_NAME_BYTES], const struct lookup_target *t)
{
    snprintf(out, SILENCE_NAME_BYTES, "%.80s %s %.16s", t->address[0] ? "" : t->name, t->address, t->port);
}

void silence_note(struct silence *s, const struct lookup_target *t, uint64_t now_ms)
{
    char server[SILENCE_NAME_BYTES];
    int oldest = 0;

    name(server, t);
    for (int i = 0; i < SILENCE_MAX; i++) {
        if (strcmp(s->known[i].server, server) == 0) {
            oldest = i;
            break;
        }
        if (s->known[i].until_ms < s->known[oldest].until_ms)
            oldest = i;
    }
    memcpy(s->known[oldest].server, server, sizeof server);
    s->known[oldest].until_ms = now_ms + SILENCE_MS;
}

bool silence_is_known(const struct silence *s, const struct lookup_target *t, uint64_t now_ms)
{
    char server[SILENCE_NAME_BYTES];

    name(server, t);
    for (int i = 0; i < SILENCE_MAX; i++)
        if (now_ms < s->known[i].until_ms && strcmp(s->known[i].server, server) == 0)
            return true;
    return false;
}
