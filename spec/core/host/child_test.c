#include "core/host/child.c"
#include "spec/core/test.h"

TEST("a crash loop backs off from 100 ms to 30 s and no further")
{
    CHECK_INT(child_backoff_ms(0), 0);
    CHECK_INT(child_backoff_ms(1), 100);
    CHECK_INT(child_backoff_ms(2), 200);
    CHECK_INT(child_backoff_ms(5), 1600);
    CHECK_INT(child_backoff_ms(10), 30000);
    CHECK_INT(child_backoff_ms(4000000000u), 30000);
}

TEST("a worker that had settled is replaced at once")
{
    struct child c = {0};
    child_started(&c, 42, 1000);
    child_ended(&c, true, 1000 + CHILD_SETTLED_MS);
    CHECK(child_is_due(&c, 1000 + CHILD_SETTLED_MS));
    CHECK_INT(c.failures, 0);
}

TEST("deaths soon after the start add up until one settles")
{
    struct child c = {0};
    uint64_t t = 1000;
    for (unsigned i = 1; i <= 4; i++) {
        child_started(&c, 42, t);
        child_ended(&c, true, t + 10);
        CHECK_INT(c.failures, i);
        CHECK(!child_is_due(&c, t + 10));
        CHECK(!child_is_due(&c, c.start_at_ms - 1));
        CHECK(child_is_due(&c, c.start_at_ms));
        t = c.start_at_ms;
    }
    child_started(&c, 42, t);
    child_ended(&c, true, t + CHILD_SETTLED_MS);
    CHECK_INT(c.failures, 0);
}

TEST("a worker that drained is no failure, however short it lived")
{
    struct child c = {.failures = 3};
    child_started(&c, 42, 1000);
    child_ended(&c, false, 1001);
    CHECK_INT(c.failures, 0);
    CHECK(child_is_due(&c, 1001));
}

TEST("silence counts from the last heartbeat, and a start may take longer")
{
    struct child c = {0};
    child_started(&c, 42, 1000);
    CHECK(!child_is_silent(&c, WORKER_READY, 5000, 5000 + CHILD_SILENT_MS - 1));
    CHECK(child_is_silent(&c, WORKER_READY, 5000, 5000 + CHILD_SILENT_MS));
    CHECK(!child_is_silent(&c, WORKER_STARTING, 5000, 5000 + CHILD_SILENT_MS));
    CHECK(child_is_silent(&c, WORKER_STARTING, 5000, 5000 + CHILD_START_MS));
}

TEST("a heartbeat from a clock that is ahead is no silence")
{
    struct child c = {0};
    child_started(&c, 42, 1000);
    CHECK(!child_is_silent(&c, WORKER_READY, 90000, 5000));
}

TEST("one that is about to be killed is not aborted again, and nobody is not silent")
{
    struct child c = {0};
    CHECK(!child_is_silent(&c, WORKER_READY, 0, 99999999));
    child_started(&c, 42, 1000);
    c.kill_at_ms = 1;
    CHECK(!child_is_silent(&c, WORKER_READY, 0, 99999999));
}
