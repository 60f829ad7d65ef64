#include "core/host/shared.c"
#include "spec/core/test.h"
#include <sys/wait.h>
#include <unistd.h>

TEST("what a child writes into its slot its parent reads")
{
    struct shared *s = shared_open(3);
    CHECK(s != NULL);
    pid_t pid = fork();
    if (pid == 0) {
        shared_beat(&s->slots[2], 12345);
        atomic_store(&s->slots[2].state, WORKER_READY);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    CHECK_INT(atomic_load(&s->slots[2].beat_ms), 12345);
    CHECK_INT(shared_ready(s), 1);
    shared_close(s);
}

TEST("a slot that gets a new process starts anew and counts it")
{
    struct shared *s = shared_open(1);
    shared_reset(&s->slots[0], 100);
    atomic_store(&s->slots[0].state, WORKER_DRAINING);
    atomic_store(&s->slots[0].connections, 7);
    shared_reset(&s->slots[0], 200);
    CHECK_INT(atomic_load(&s->slots[0].generation), 2);
    CHECK_INT(atomic_load(&s->slots[0].state), WORKER_STARTING);
    CHECK_INT(atomic_load(&s->slots[0].connections), 0);
    CHECK_INT(atomic_load(&s->slots[0].beat_ms), 200);
    CHECK_INT(shared_ready(s), 0);
    shared_close(s);
}
