#include "core/host/supervisor.c"
#include "spec/core/test.h"
#include <fcntl.h>

/* The supervisor runs in a child of the test; its workers do what `play` says and tell by the notes that they write. */
static struct shared *shared;
static int notes[2];
static void (*play)(unsigned slot);

static void note(char c)
{
    CHECK(write(notes[1], &c, 1) == 1);
}

static int run_worker(unsigned slot, void *arg)
{
    (void)arg;
    signal(SIGTERM, SIG_DFL);
    play(slot);
    return 0;
}

static pid_t supervise(unsigned workers, void (*what)(unsigned slot))
{
    play = what;
    CHECK(pipe(notes) == 0);
    shared = shared_open(workers);
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fds[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
    struct supervisor_opts o = {.shared = shared, .fds = fds, .shutdown_ms = 100, .run = run_worker};
    log_open(open("/dev/null", O_WRONLY), LOG_OFF);
    if (signals_open() < 0)
        _exit(99);
    _exit(supervisor_run(&o));
}

static char next_note(void)
{
    char c = '?';
    alarm(20);
    CHECK(read(notes[0], &c, 1) == 1);
    alarm(0);
    return c;
}

static int exit_code(pid_t pid)
{
    int status = -1;
    alarm(20);
    waitpid(pid, &status, 0);
    alarm(0);
    shared_close(shared);
    close(notes[0]);
    close(notes[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void be_ready(unsigned slot)
{
    atomic_store(&shared->slots[slot].state, WORKER_READY);
    note((char)('0' + slot));
}

static void wait_for_term(void)
{
    sigset_t s;
    int number;
    sigemptyset(&s);
    sigaddset(&s, SIGTERM);
    sigwait(&s, &number);
}

static void serve_well(unsigned slot)
{
    be_ready(slot);
    wait_for_term();
    note('t');
}

TEST("the first worker starts alone, then the others, and SIGTERM ends them all with 0")
{
    pid_t pid = supervise(3, serve_well);
    CHECK_INT(next_note(), '0');
    char a = next_note(), b = next_note();
    CHECK((a == '1' && b == '2') || (a == '2' && b == '1'));
    kill(pid, SIGTERM);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next_note(), 't');
    CHECK_INT(exit_code(pid), 0);
}

static void refuse(unsigned slot)
{
    note((char)('0' + slot));
    _exit(WORKER_MISCONFIGURED);
}

TEST("an application that never loaded ends it with the worker's own code, after one try")
{
    pid_t pid = supervise(3, refuse);
    CHECK_INT(exit_code(pid), 78);
}

/* The worker may say that it is ready before its parent has written down its pid; a kill(0) would hit all of us. */
static pid_t pid_of(unsigned slot)
{
    pid_t pid;
    while ((pid = (pid_t)atomic_load(&shared->slots[slot].pid)) == 0)
        usleep(1000);
    return pid;
}

TEST("a worker that is killed is started again")
{
    pid_t pid = supervise(1, serve_well);
    CHECK_INT(next_note(), '0');
    kill(pid_of(0), SIGKILL);
    CHECK_INT(next_note(), '0');
    CHECK_INT(atomic_load(&shared->slots[0].generation), 2);
    kill(pid, SIGTERM);
    CHECK_INT(next_note(), 't');
    CHECK_INT(exit_code(pid), 0);
}

static void serve_once(unsigned slot)
{
    if (atomic_load(&shared->slots[slot].generation) > 1)
        refuse(slot);
    be_ready(slot);
    _exit(1);
}

TEST("one that has served before is tried again and again")
{
    pid_t pid = supervise(1, serve_once);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next_note(), '0');
    kill(pid, SIGTERM);
    CHECK_INT(exit_code(pid), 0);
}

static void fall_silent(unsigned slot)
{
    if (atomic_load(&shared->slots[slot].generation) == 1)
        shared_beat(&shared->slots[slot], now() - CHILD_SILENT_MS);
    serve_well(slot);
}

TEST("a worker without a heartbeat is aborted and replaced")
{
    pid_t pid = supervise(1, fall_silent);
    CHECK_INT(next_note(), '0');
    CHECK_INT(next_note(), '0');
    kill(pid, SIGTERM);
    CHECK_INT(next_note(), 't');
    CHECK_INT(exit_code(pid), 0);
}

static void ignore_all(unsigned slot)
{
    sigset_t s;
    int number;
    sigemptyset(&s);
    sigaddset(&s, SIGTERM);
    sigaddset(&s, WORKER_HURRY_SIGNAL);
    sigprocmask(SIG_BLOCK, &s, NULL);
    be_ready(slot);
    while (sigwait(&s, &number) == 0)
        note(number == SIGTERM ? 't' : 'h');
}

TEST("a second signal hurries, what does not end is killed, and that is no success")
{
    pid_t pid = supervise(1, ignore_all);
    CHECK_INT(next_note(), '0');
    kill(pid, SIGINT);
    CHECK_INT(next_note(), 't');
    usleep((SAME_KEY_MS + 100) * 1000);
    kill(pid, SIGINT);
    CHECK_INT(next_note(), 'h');
    usleep((SAME_KEY_MS + 100) * 1000);
    kill(pid, SIGINT);
    CHECK_INT(exit_code(pid), 1);
}

TEST("two signals at once are one key")
{
    pid_t pid = supervise(1, ignore_all);
    CHECK_INT(next_note(), '0');
    kill(pid, SIGINT);
    CHECK_INT(next_note(), 't');
    kill(pid, SIGTERM);
    usleep(200 * 1000);
    CHECK(fcntl(notes[0], F_SETFL, O_NONBLOCK) == 0);
    char c;
    CHECK(read(notes[0], &c, 1) < 0);
    usleep(200 * 1000);
    kill(pid, SIGINT);
    usleep((SAME_KEY_MS + 100) * 1000);
    kill(pid, SIGINT);
    CHECK_INT(exit_code(pid), 1);
}

static void wait_for_hup(unsigned slot)
{
    sigset_t s;
    int number;
    be_ready(slot);
    sigemptyset(&s);
    sigaddset(&s, SIGHUP);
    sigaddset(&s, SIGTERM);
    while (sigwait(&s, &number) == 0 && number == SIGHUP)
        note('h');
}

TEST("SIGHUP goes to every worker")
{
    pid_t pid = supervise(2, wait_for_hup);
    next_note();
    next_note();
    kill(pid, SIGHUP);
    CHECK_INT(next_note(), 'h');
    CHECK_INT(next_note(), 'h');
    kill(pid, SIGTERM);
    CHECK_INT(exit_code(pid), 0);
}

TEST("workers do not outlive a supervisor that is killed")
{
    pid_t pid = supervise(1, serve_well);
    CHECK_INT(next_note(), '0');
    kill(pid, SIGKILL);
    CHECK_INT(next_note(), 't');
    CHECK_INT(exit_code(pid), -1);
}
