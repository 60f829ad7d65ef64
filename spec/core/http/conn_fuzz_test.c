/* Clients that do everything at once: pipeline, dribble, break off, leave, wait too long. Whatever they do, answers come
 * in the order of the requests, and nothing is left at the end. */
#include "core/http/conn.c"
#include "spec/core/test.h"
#include "spec/core/http/loopback.h"

enum { ROUNDS = 60, STEPS = 150, ACTIVE = 5 };

static const char *const requests[] = {
    "GET /hello HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\n\r\n",
    "HEAD /hello HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\n\r\n",
    "GET /wait/%u HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\n\r\n",
    "POST /wait HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\nContent-Length: 5\r\n\r\nhello",
    "POST /length HTTP/1.1\r\n" HOST
    "X-Request-ID: %u\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\nContent-Length: 12\r\n\r\nhello, world",
    "PUT /json HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\nContent-Length: 2\r\n\r\n{}",
    "OPTIONS * HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\n\r\n",
    "GET /error HTTP/1.1\r\n" HOST "X-Request-ID: %u\r\n\r\n\r\n",
};
static const char *const endings[] = {
    "GET /close HTTP/1.1\r\n" HOST "\r\n",
    "GET /hello HTTP/1.0\r\n\r\n",
    "GET / HTTP/3.0\r\n" HOST "\r\n",
    "nonsense\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 99999\r\n\r\n",
    "POST /length HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
};

static uint32_t seed;

static unsigned dice(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

struct talker {
    struct client *client;
    struct buf script; /* what it says */
    size_t said;
    bool garbled;
};

static uint64_t answers;

static void write_script(struct talker *t)
{
    struct buf *b = &t->script;
    unsigned count = 1 + dice(12);
    for (unsigned id = 1; id <= count; id++) {
        const char *format = requests[dice(sizeof requests / sizeof *requests)];
        char text[200];
        snprintf(text, sizeof text, format, id, id);
        buf_str(b, text);
    }
    if (dice(2) == 0)
        buf_str(b, endings[dice(sizeof endings / sizeof *endings)]);
    t->garbled = dice(10) == 0;
    if (t->garbled)
        b->p[dice((unsigned)b->n)] = (char)dice(256);
}

/* The ids of the answers count up by one from 1. One that the server made itself belongs to the ending. */
static bool is_in_order(const struct client *c)
{
    unsigned next = 1;
    if (c->got.n == 0)
        return true;
    for (const char *p = c->got.p, *end = p + c->got.n; (p = find(p, end, "\r\nX-Request-ID: ")) != NULL;) {
        p += strlen("\r\nX-Request-ID: ");
        const char *eol = find(p, end, "\r\n");
        if (eol == NULL || eol - p == 36)
            return true;
        if ((unsigned)atoi(p) != next++)
            return false;
    }
    return true;
}

static void say_piece(struct talker *t)
{
    size_t left = t->script.n - t->said, n = 1 + dice(dice(3) == 0 ? 400 : 20);
    if (left == 0 || t->client->fd < 0)
        return;
    ssize_t sent = send(t->client->fd, t->script.p + t->said, n < left ? n : left, MSG_DONTWAIT | MSG_NOSIGNAL);
    t->said += sent > 0 ? (size_t)sent : 0;
}

static void answer_one(void)
{
    if (net.waiting_count == 0)
        return;
    int i = (int)dice((unsigned)net.waiting_count);
    answer_waiting(i);
    net.waiting[i] = net.waiting[--net.waiting_count];
}

static void step(struct talker *t)
{
    switch (dice(30)) {
    case 0:
        client_drop(t->client);
        break;
    case 1:
        shutdown(t->client->fd, SHUT_WR);
        break;
    case 2:
        pass(dice(20000));
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        answer_one();
        break;
    case 7:
        turn();
        break;
    default:
        say_piece(t);
    }
    if (dice(3) == 0)
        turn();
}

static void play(void)
{
    struct talker talkers[ACTIVE] = {0};
    net_open();
    for (int i = 0; i < ACTIVE; i++) {
        talkers[i].client = client_open();
        write_script(&talkers[i]);
    }
    for (int i = 0; i < STEPS; i++)
        step(&talkers[dice(ACTIVE)]);
    bool drains = dice(3) == 0;
    if (drains)
        server_drain(net.server, note_closed, &net.drained);
    while (net.waiting_count > 0) {
        answer_one();
        turns(3);
    }
    turns(5);
    bool in_order = true;
    for (int i = 0; i < ACTIVE; i++) {
        in_order = in_order && (talkers[i].garbled || is_in_order(talkers[i].client));
        buf_free(&talkers[i].script);
    }
    CHECK(in_order);
    CHECK(server_counts(net.server)->active <= server_counts(net.server)->connections);
    for (int i = 0; i < 200 && net.waiting_count > 0; i++) {
        answer_one();
        turns(3);
    }
    answers += server_counts(net.server)->by_class[2];
    net_close();
}

TEST("sixty rounds of clients that do as they please leave nothing behind")
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        seed = round;
        play();
    }
    CHECK(answers > ROUNDS * ACTIVE);
}
