#include "core/base/random.c"
#include "spec/core/test.h"
#include <sys/wait.h>
#include <unistd.h>

TEST("what was handed out is wiped and never handed out again")
{
    uint64_t seen[1000];
    for (int i = 0; i < 1000; i++) {
        seen[i] = random_u64();
        for (int j = 0; j < i; j++)
            CHECK(seen[j] != seen[i]);
    }
    for (size_t i = 0; i < PAGE - left; i++)
        CHECK(page[i] == 0);
}

TEST("more than a page is filled to its end")
{
    static unsigned char big[3 * PAGE];
    random_bytes(big, sizeof big);
    int zeros = 0;
    for (size_t i = sizeof big - 64; i < sizeof big; i++)
        zeros += big[i] == 0;
    CHECK(zeros < 16);
}

TEST("a child that forgets draws other bytes than its parent")
{
    int fds[2];
    uint64_t mine, theirs = 0;
    random_u64();
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        random_forget();
        theirs = random_u64();
        _exit(write(fds[1], &theirs, sizeof theirs) != sizeof theirs);
    }
    mine = random_u64();
    CHECK(read(fds[0], &theirs, sizeof theirs) == sizeof theirs);
    waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    CHECK(mine != theirs);
}

static void check_uuids(void (*make)(char *))
{
    char last[UUID_TEXT + 1] = {0};
    unsigned digits[16] = {0};
    for (int i = 0; i < 1000; i++) {
        char u[UUID_TEXT + 1] = {0};
        make(u);
        CHECK(strspn(u, "0123456789abcdef-") == UUID_TEXT);
        CHECK(u[8] == '-' && u[13] == '-' && u[18] == '-' && u[23] == '-' && u[14] == '4' && strchr("89ab", u[19]));
        CHECK(strcmp(u, last) != 0);
        memcpy(last, u, sizeof u);
        for (int j = 0; j < 8; j++)
            digits[u[j] <= '9' ? u[j] - '0' : u[j] - 'a' + 10]++;
    }
    for (int i = 0; i < 16; i++) /* 500 of each are expected, give or take 22: so far off comes once in 10^12 runs */
        CHECK(digits[i] > 340 && digits[i] < 660);
}

TEST("a UUID is version 4, variant 1, lower case")
{
    check_uuids(random_uuid);
}

TEST("a label is a UUID too, and a child that forgets has others than its parent")
{
    char mine[UUID_TEXT], theirs[UUID_TEXT];
    int fds[2];
    check_uuids(random_label);
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        random_forget();
        random_label(theirs);
        _exit(write(fds[1], theirs, sizeof theirs) != sizeof theirs);
    }
    random_label(mine);
    CHECK(read(fds[0], theirs, sizeof theirs) == sizeof theirs);
    waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    CHECK(memcmp(mine, theirs, sizeof mine) != 0);
}
